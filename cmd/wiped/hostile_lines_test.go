//go:build hostile

package main

import (
	"io"
	"os"
	"path/filepath"
)

// Case 11: the lines of authorized_keys.

// lineOptions holds the server to what the lines of authorized_keys say, edited while it runs.
func lineOptions(g *target) {
	for options, want := range map[string]string{
		`role="viewer"`:                                "busy.img",
		`from="127.0.0.0/8"`:                           "busy.img",
		`from="192.0.2.1,10.0.0.0/8"`:                  "",
		`from="127.0.0.0/8,!127.0.0.0/8"`:              "",
		`from="!127.0.0.0/8,*"`:                        "",
		`expiry-time="20200101"`:                       "",
		`expiry-time="29991231235959Z"`:                "busy.img",
		`command="hello"`:                              "Hello! How are you?",
		`restrict`:                                     "busy.img",
		`permitopen="host:22"`:                         "",
		`environment="LD_PRELOAD=x"`:                   "",
		`role="root"`:                                  "",
		`verify-required`:                              "",
		`frobnicate`:                                   "",
		`tunnel="0"`:                                   "",
		`role="viewer",role="admin"`:                   "",
		`principals="op"`:                              "",
		`cert-authority,role="admin"`:                  "", // the authority's own key lets nobody in
		`no-port-forwarding,no-X11-forwarding,no-pty`:  "busy.img",
		`role="viewer", command="hello"`:               "",
		`command="hello`:                               "",
		`role="viewer",command="erase idle.img\" \"x"`: "not-this",
	} {
		key := newSigner()
		g.authorize(options + " " + keyLine(key.PublicKey()) + " someone")
		if want == "not-this" { // a forced command that is a usage error: nothing else is run
			client, err := g.dialAs(g.source(1), "op", key)
			if err != nil {
				g.Errorf("%s: %v", options, err)
				continue
			}
			if got := execute(client, "drives"); got.exit == 0 || got.out != "" {
				g.Errorf("%s: %+v", options, got)
			}
			client.Close()
			continue
		}
		g.wantLogin(options, key, want)
	}
	g.writableKeys()
	g.removedKey()
}

// writableKeys: an authorized_keys that others can change lets nobody in.
func (g *target) writableKeys() {
	g.rest() // nobody else gets in either
	defer g.work()
	for _, path := range []string{"state/authorized_keys", "state"} {
		full := filepath.Join(g.dir, path)
		info, err := os.Stat(full)
		if err != nil {
			g.Fatal(err)
		}
		for _, mode := range []os.FileMode{0o020, 0o002} {
			if err := os.Chmod(full, info.Mode().Perm()|mode); err != nil {
				g.Fatal(err)
			}
			g.wantLogin(path+" writable by others", g.keys["operator"], "")
		}
		if err := os.Chmod(full, info.Mode().Perm()); err != nil {
			g.Fatal(err)
		}
		g.wantLogin("mended", g.keys["operator"], "busy.img")
	}
}

// removedKey: a key that was taken out logs in no more and begins no new session on a connection that is open. A session that runs
// goes on: taking a key out is no order to cut off whoever watches a job.
func (g *target) removedKey() {
	path := filepath.Join(g.dir, "state/authorized_keys")
	before, err := os.ReadFile(path)
	if err != nil {
		g.Fatal(err)
	}
	key := newSigner()
	g.authorize(keyLine(key.PublicKey()) + " leaver")
	client, err := g.dialAs(g.source(1), "op", key)
	if err != nil {
		g.Fatal(err)
	}
	defer client.Close()
	ch, requests := g.openChannel(client)
	g.request(ch, "shell", nil)
	greeting := make([]byte, 10)
	if _, err := io.ReadFull(ch, greeting); err != nil { // else it may not have begun
		g.Fatal(err)
	}
	go io.Copy(io.Discard, ch)
	g.replaceKeys(string(before))
	g.wantLogin("taken out", key, "")
	if got := execute(client, "hello"); got.exit == 0 || got.out != "" {
		g.Errorf("a key that was taken out began another session: %+v", got)
	}
	_, _ = io.WriteString(ch, "hello\ngoodbye\n")
	if exit := exitStatus(requests); exit != 0 {
		g.Errorf("the session that ran when its key was taken out: exit %d", exit)
	}
}
