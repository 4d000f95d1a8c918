//go:build hostile

package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/shell/sshd/rawtest"
)

// Cases 4 to 7: who is let in.

// otherMethods asks to be let in without a key.
func otherMethods(g *target) {
	c := g.keyed(g.source(1))
	if err := c.RequestService("ssh-userauth"); err != nil {
		g.Fatal(err)
	}
	for _, request := range [][]byte{
		loginRequest("root", "none"), loginRequest("root", "password", append([]byte{0}, text("password")...)...),
		loginRequest("root", "keyboard-interactive", append(text(""), text("")...)...),
		loginRequest("root", "hostbased", text("ssh-ed25519")...), loginRequest("root", "gssapi-with-mic", 0, 0, 0, 0),
	} {
		if err := c.Send(request); err != nil {
			g.Fatal(err)
		}
		packet, err := c.Expect(rawtest.MsgUserAuthFailure, rawtest.MsgUserAuthSuccess)
		var failure struct {
			Methods []string `sshtype:"51"`
			Partial bool
		}
		if err == nil {
			err = ssh.Unmarshal(packet, &failure)
		}
		if err != nil || !slices.Equal(failure.Methods, []string{"publickey"}) || failure.Partial {
			g.Errorf("%q: %v %v", request[5:60], failure, err)
		}
	}
	if c.Seen[53].Load() > 0 {
		g.Error("there is a banner before the login")
	}
	for _, method := range []string{"none", "password", "keyboard-interactive"} {
		out, err := g.ssh("operator", "-o", "PreferredAuthentications="+method, "op@127.0.0.1", "hello").CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("Permission denied (publickey)")) {
			g.Errorf("ssh with %s: %v: %s", method, err, out)
		}
	}
	client, err := g.dialWith(g.source(2), &ssh.ClientConfig{User: "root"})
	if err == nil {
		client.Close()
		g.Error("logged in with nothing")
	}
}

// switchedUser names one user when it asks and another when it signs. What counts is what was signed.
func switchedUser(g *target) {
	authority := newSigner()
	g.authorize(`cert-authority,role="viewer" ` + keyLine(authority.PublicKey()) + " ca")
	mallory := g.certified(authority, g.keys["stranger"], func(c *ssh.Certificate) { c.ValidPrincipals = []string{"mallory"} })
	c := g.keyed(g.source(1))
	_ = c.RequestService("ssh-userauth")
	if got, err := c.Offer("mallory", mallory.PublicKey()); got != rawtest.MsgUserAuthKeyOK {
		g.Fatalf("mallory's own certificate: message %d, %v", got, err)
	}
	if got, _ := c.Sign("root", mallory); got == rawtest.MsgUserAuthSuccess {
		g.Error("a certificate for mallory was good for root after it had been offered for mallory")
	}
	c = g.keyed(g.source(2))
	_ = c.RequestService("ssh-userauth")
	_, _ = c.Offer("mallory", mallory.PublicKey())
	if got, _ := c.SignAs("root", mallory.PublicKey(), "mallory", mallory); got == rawtest.MsgUserAuthSuccess {
		g.Error("a signature for mallory let root in")
	}
	c = g.keyed(g.source(3))
	_ = c.RequestService("ssh-userauth")
	_, _ = c.Offer("carol", g.keys["operator"].PublicKey())
	_, _ = c.Offer("mallory", mallory.PublicKey())
	if got, err := c.Sign("dave", g.keys["viewer"]); got != rawtest.MsgUserAuthSuccess {
		g.Fatalf("dave: message %d, %v", got, err)
	}
	g.wantLog(`Accepted publickey for dave from ` + g.source(3))
	if got := c.hear("whoami"); !strings.Contains(got, "role   viewer") || strings.Contains(got, "operator") {
		g.Errorf("dave is %s", got)
	}
	if strings.Contains(g.log(), "Accepted publickey for root from "+g.source(1)) {
		g.Error("the log says that root was let in")
	}
}

// borrowedKey shows the admin's key and signs with its own (CVE-2024-45337).
func borrowedKey(g *target) {
	admin, viewer := g.keys["admin"], g.keys["viewer"]
	c := g.keyed(g.source(1))
	_ = c.RequestService("ssh-userauth")
	for range 3 {
		if got, err := c.Offer("op", admin.PublicKey()); got != rawtest.MsgUserAuthKeyOK {
			g.Fatalf("offer: message %d, %v", got, err)
		}
	}
	if got, err := c.Sign("op", viewer); got != rawtest.MsgUserAuthSuccess {
		g.Fatalf("sign: message %d, %v", got, err)
	}
	if got := c.hear("whoami"); !strings.Contains(got, "role   viewer") {
		g.Errorf("became %s", got)
	}
	if got := c.hear("audit"); !strings.Contains(got, "needs the role admin") {
		g.Errorf("audit: %s", got)
	}
	for _, signed := range []struct {
		shown  ssh.PublicKey
		signer ssh.Signer
	}{{admin.PublicKey(), viewer}, {admin.PublicKey(), g.keys["stranger"]}, {viewer.PublicKey(), admin}} {
		c := g.keyed(g.source(2))
		_ = c.RequestService("ssh-userauth")
		if got, _ := c.SignAs("op", signed.shown, "op", signed.signer); got == rawtest.MsgUserAuthSuccess {
			g.Error("a key was good that another one had signed for")
		}
	}
}

// hear runs a command on a new channel and returns all that is printed, output and error output.
func (c *raw) hear(command string) string {
	number := uint32(100 + c.Seen[rawtest.MsgChannelConfirm].Load())
	theirs, err := c.open(number, 1<<20, 32<<10)
	if err == nil {
		err = c.Send(rawtest.ChannelRequest(theirs, "exec", false, text(command)))
	}
	var said strings.Builder
	for err == nil {
		var packet []byte
		if packet, err = c.Expect(rawtest.MsgChannelData, 95, rawtest.MsgChannelClose); err != nil || packet[0] == rawtest.MsgChannelClose {
			break
		}
		skip := map[byte]int{rawtest.MsgChannelData: 9, 95: 13}[packet[0]]
		said.Write(packet[skip:])
	}
	if err != nil {
		return err.Error()
	}
	_ = c.Send(channelClose(theirs))
	return said.String()
}

// enumeration looks for a difference between names and keys that are known and that are not.
func enumeration(g *target) {
	unknown := newPublicKey()
	answers := map[string]bool{}
	took := map[string][]time.Duration{}
	names := []string{"op", "root", "nobody-of-that-name", strings.Repeat("x", 3000)}
	for n := range 60 {
		c := g.keyed(g.source(n))
		if err := c.RequestService("ssh-userauth"); err != nil {
			g.Fatal(err)
		}
		for i := range names { // each name is first as often as last
			name := names[(n+i)%len(names)]
			from := time.Now()
			_ = c.Send(rawtest.KeyRequest(name, false, unknown.Type(), unknown.Marshal()))
			packet, err := c.Expect(rawtest.MsgUserAuthFailure, rawtest.MsgUserAuthSuccess, rawtest.MsgUserAuthKeyOK)
			if err != nil {
				g.Fatal(err)
			}
			took[name] = append(took[name], time.Since(from))
			answers[string(packet)] = true
		}
		c.Close()
	}
	if len(answers) != 1 {
		g.Errorf("%d different answers to an unknown key: %v", len(answers), answers)
	}
	usual := quick(took["op"])
	for _, name := range names[1:3] {
		ratio := float64(quick(took[name])) / float64(usual)
		g.outcome.note("%s / op: %.2f", name, ratio)
		if ratio < 0.5 || ratio > 2 {
			g.Errorf("the answer for %s takes %.2f times as long as the one for op", name, ratio)
		}
	}
}

// quick is what one in ten takes or less: other work of the machine only ever adds.
func quick(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/10]
}

func newSigner() ssh.Signer {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		panic(err)
	}
	return signer
}

// wantLog waits for a text in the server's log.
func (g *target) wantLog(part string) {
	g.Helper()
	if err := eventually(func() error {
		if !strings.Contains(g.log(), part) {
			return fmt.Errorf("no %q in the log", part)
		}
		return nil
	}); err != nil {
		g.Error(err)
	}
}
