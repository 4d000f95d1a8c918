package auth

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestAuthorize(t *testing.T) {
	key := newSigner(t).PublicKey()
	text := publicText(key)
	other := publicText(newSigner(t).PublicKey())
	refused := Identity{}
	tests := []struct {
		name  string
		lines []string
		want  Identity
	}{
		{"listed", []string{other, text + " Alice"}, Identity{Name: "Alice", Role: Operator}},
		{"no comment", []string{text}, Identity{Name: ssh.FingerprintSHA256(key), Role: Operator}},
		{"not listed", []string{other}, refused},
		{"empty file", nil, refused},
		{"commented out", []string{"# " + text, "   #" + text}, refused},
		{"role", []string{`role="admin" ` + text + " A"}, Identity{Name: "A", Role: Admin}},
		{"first line wins", []string{`role="viewer" ` + text + " A", `role="admin" ` + text + " B"}, Identity{Name: "A", Role: Viewer}},
		{"a bad line before", []string{`nonsense ` + text + " A", `role="viewer" ` + text + " B"}, Identity{Name: "B", Role: Viewer}},
		{"a bad line after", []string{text + " A", `nonsense ` + text + " B"}, Identity{Name: "A", Role: Operator}},
		{"only bad lines", []string{"verify-required " + text}, refused},
		{"from allows", []string{`from="192.0.2.0/24" ` + text + " A"}, Identity{Name: "A", Role: Operator}},
		{"from refuses", []string{`from="10.0.0.0/8" ` + text + " A"}, refused},
		{"from refuses, next line allows", []string{`from="10.*",role="admin" ` + text + " A", `role="viewer" ` + text + " B"}, Identity{Name: "B", Role: Viewer}},
		{"not yet expired", []string{`expiry-time="20260601120001Z" ` + text + " A"}, Identity{Name: "A", Role: Operator, NotAfter: noon.Add(time.Second)}},
		{"expired this second", []string{`expiry-time="20260601120000Z" ` + text}, refused},
		{"expired, next line allows", []string{`expiry-time="20200101" ` + text, text + " B"}, Identity{Name: "B", Role: Operator}},
		{"command", []string{`command="drives --json",restrict ` + text + " A"}, Identity{Name: "A", Role: Operator, Command: "drives --json", NoPTY: true}},
		{"an authority is not a key", []string{`cert-authority,role="admin" ` + text}, refused},
		{"Windows line ends", []string{"# keys\r", "\r", text + " Alice\r", "\r"}, Identity{Name: "Alice", Role: Operator}},
		{"byte order mark", []string{"\xef\xbb\xbf" + text + " Alice"}, Identity{Name: "Alice", Role: Operator}},
		{"blank lines", []string{"", " \t", text + " Alice", ""}, Identity{Name: "Alice", Role: Operator}},
		{"comment with controls", []string{text + " a\x1b[2Jb"}, Identity{Name: `a\x1b[2Jb`, Role: Operator}},
		{"long comment", []string{text + " " + strings.Repeat("x", 1000)}, Identity{Name: strings.Repeat("x", 199) + "…", Role: Operator}},
		{"a very long line before", []string{strings.Repeat("x", maxLine+1), text + " A"}, Identity{Name: "A", Role: Operator}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			keys, _ := newKeys(t, test.lines...)
			got, ok := login(keys, key)
			if test.want != refused {
				test.want.Fingerprint, test.want.KeyType = ssh.FingerprintSHA256(key), "ED25519"
			}
			if got.NotAfter.Equal(test.want.NotAfter) {
				got.NotAfter = test.want.NotAfter
			}
			if got != test.want || ok != (test.want != refused) {
				t.Errorf("Authorize = %+v, %t; want %+v", got, ok, test.want)
			}
		})
	}
}

// Who is refused learns nothing from how.
func TestAuthorizeRefusalsAreAlike(t *testing.T) {
	known := newSigner(t).PublicKey()
	keys, log := newKeys(t, `from="10.0.0.0/8" `+publicText(known))
	_, unknownKey := keys.Authorize(from("root", "192.0.2.7"), newSigner(t).PublicKey())
	_, unknownUser := keys.Authorize(from("x\x1b[2J", "192.0.2.7"), newSigner(t).PublicKey())
	_, wrongAddress := keys.Authorize(from("root", "192.0.2.7"), known)
	keys.Path += ".gone"
	_, noFile := keys.Authorize(from("root", "192.0.2.7"), known)
	for _, err := range []error{unknownKey, unknownUser, wrongAddress, noFile} {
		if err == nil || err.Error() != unknownKey.Error() {
			t.Errorf("Authorize = %v; want %v", err, unknownKey)
		}
	}
	for _, want := range []string{"authorized_keys:1", "from= does not allow", "192.0.2.7", "does not exist", `x\x1b[2J`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log = %s; want %q in it", log, want)
		}
	}
}

// The library may ask for the same key any number of times, and keeps what it got.
func TestAuthorizePermissionsAreFresh(t *testing.T) {
	key := newSecurityKey(t, true).public
	keys, _ := newKeys(t, "no-touch-required "+publicText(key))
	a, errA := keys.Authorize(from("a", "192.0.2.7"), key)
	if errA != nil {
		t.Fatal(errA)
	}
	a.Extensions["more"] = "x"
	a.ExtraData["more"] = "x"
	a.CriticalOptions = map[string]string{"more": "x"}
	b, errB := keys.Authorize(from("a", "192.0.2.7"), key)
	if errB != nil || len(b.Extensions) != 1 || len(b.ExtraData) != 1 || b.CriticalOptions != nil {
		t.Errorf("Authorize again = %+v, %v; want nothing of what the first caller added", b, errB)
	}
}

func TestAuthorizeReadsTheFileAfresh(t *testing.T) {
	a, b := newSigner(t).PublicKey(), newSigner(t).PublicKey()
	keys, log := newKeys(t, publicText(a), "nonsense "+publicText(b))
	check := func(wantA, wantB bool) {
		t.Helper()
		_, gotA := login(keys, a)
		_, gotB := login(keys, b)
		if gotA != wantA || gotB != wantB {
			t.Errorf("Authorize(a), (b) = %t, %t; want %t, %t", gotA, gotB, wantA, wantB)
		}
	}
	check(true, false)
	check(true, false)
	if n := strings.Count(log.String(), "nonsense"); n != 1 {
		t.Errorf("log names the bad line %d times; want once for one content:\n%s", n, log)
	}
	writeFile(t, keys.Path, publicText(b))
	check(false, true)
	if err := os.Chmod(keys.Path, 0o620); err != nil {
		t.Fatal(err)
	}
	check(false, false)
	if n := strings.Count(log.String(), "chmod go-w"); n != 1 {
		t.Errorf("log says chmod %d times; want once until it is mended:\n%s", n, log)
	}
	if err := os.Chmod(keys.Path, 0o600); err != nil {
		t.Fatal(err)
	}
	check(false, true)
	if err := os.Remove(keys.Path); err != nil {
		t.Fatal(err)
	}
	check(false, false)
}

func TestAuthorizeWithoutAddress(t *testing.T) {
	key := newSigner(t).PublicKey()
	unix := peer{user: "a", address: &net.UnixAddr{Name: "10.0.0.1:1"}}
	limited, _ := newKeys(t, `from="*" `+publicText(key))
	if _, err := limited.Authorize(unix, key); err == nil {
		t.Error(`Authorize(unix socket, from="*") = nil; want a refusal`)
	}
	open, _ := newKeys(t, publicText(key))
	if _, err := open.Authorize(unix, key); err != nil {
		t.Errorf("Authorize(unix socket, no from) = %v; want it let in", err)
	}
}

func TestAuthorizeAtOnce(t *testing.T) {
	key := newSigner(t).PublicKey()
	keys, _ := newKeys(t, "nonsense x", publicText(key))
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if i%4 == 0 {
				login(keys, newSecurityKey(t, true).public)
			} else if _, ok := login(keys, key); !ok {
				t.Error("Authorize in one of many goroutines refused; want it let in")
			}
		})
	}
	wg.Wait()
}

func TestAuthorizeWithoutLog(t *testing.T) {
	key := newSigner(t).PublicKey()
	keys, _ := newKeys(t, "nonsense", `from="10.*" `+publicText(key))
	keys.Log, keys.Now = nil, nil
	if _, ok := login(keys, key); ok {
		t.Error("Authorize = allowed; want a refusal")
	}
}

func TestIdentityOfNothing(t *testing.T) {
	for _, p := range []*ssh.Permissions{nil, {}, {ExtraData: map[any]any{"identity": Identity{Role: Admin}}}} {
		if id, ok := IdentityOf(p); ok || id != (Identity{}) {
			t.Errorf("IdentityOf(%v) = %v, %t; want nobody", p, id, ok)
		}
	}
}

func TestUsable(t *testing.T) {
	key := publicText(newSigner(t).PublicKey())
	tests := []struct {
		name  string
		lines []string
		want  int
		err   string
	}{
		{"one", []string{key}, 1, ""},
		{"some", []string{"# x", key, "nonsense " + key, `cert-authority,role="viewer" ` + key}, 2, ""},
		{"expired ones do not count", []string{`expiry-time="20200101Z" ` + key, key}, 1, ""},
		{"all expired", []string{`expiry-time="20200101Z" ` + key}, 0, "line 1: it expired at 2020-01-01"},
		{"empty", nil, 0, "cat id_ed25519.pub >> /"},
		{"all bad", []string{"# x", "nonsense " + key}, 0, `line 2: "nonsense" is neither`},
		{"UTF-16", []string{"\xff\xfes\x00s\x00"}, 0, "iconv -f UTF-16"},
		{"too large", []string{strings.Repeat("#\n", maxFile/2)}, 0, "larger than 1 MiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			keys, _ := newKeys(t, test.lines...)
			got, err := keys.Usable()
			if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("Usable() = %d, %v; want %d, %q", got, err, test.want, test.err)
			}
		})
	}
}

func TestUsableLogsBadLines(t *testing.T) {
	keys, log := newKeys(t, strings.Split(strings.Repeat("nonsense\x1b AAAA\n", 3*badLinesLogged), "\n")...)
	if _, err := keys.Usable(); err == nil {
		t.Error("Usable() = nil; want an error")
	}
	for _, want := range []string{keys.Path + ":1", fmt.Sprintf("%s:%d", keys.Path, badLinesLogged), "lines=40", `nonsense\\x1b`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log = %s; want %q in it", log, want)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != badLinesLogged+1 {
		t.Errorf("log has %d lines; want %d", n, badLinesLogged+1)
	}
}

func TestLimiter(t *testing.T) {
	l, now := limiter{}, noon
	count := func(n int) (passed, dropped int) {
		for range n {
			ok, d := l.allow(now)
			if ok {
				passed++
			}
			dropped += d
		}
		return passed, dropped
	}
	for _, step := range []struct {
		wait            time.Duration
		passed, dropped int
	}{{0, 10, 0}, {0, 0, 0}, {6 * time.Second, 1, 190}, {time.Hour, 10, 99}, {-24 * time.Hour, 10, 90}} {
		now = now.Add(step.wait)
		if passed, dropped := count(100); passed != step.passed || dropped != step.dropped {
			t.Errorf("after %s: %d of 100 passed and told of %d dropped; want %d and %d", step.wait, passed, dropped, step.passed, step.dropped)
		}
	}
}

func TestKeysInAnotherDirectory(t *testing.T) {
	key := newSigner(t).PublicKey()
	keys, _ := newKeys(t, publicText(key))
	t.Chdir(filepath.Dir(keys.Path))
	keys.Path = filepath.Base(keys.Path)
	if _, ok := login(keys, key); !ok {
		t.Error("Authorize with a relative path refused; want it let in")
	}
}
