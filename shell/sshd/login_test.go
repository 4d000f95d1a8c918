package sshd

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/time/rate"

	"wiped/auth"
)

func TestLoggedInOnceAndLogged(t *testing.T) {
	type call struct {
		who         auth.Identity
		login, from string
	}
	calls := make(chan call, 10)
	s := serve(t, chatty, func(c *Config) {
		c.LoggedIn = func(who auth.Identity, login, from string) { calls <- call{who, login, from} }
	})
	client, err := s.tryDial("we ird\n\x1b[31m"+strings.Repeat("x", 200), badKey, goodKey)
	if err != nil {
		t.Fatal(err)
	}
	run(t, client, "exit 0")
	run(t, client, "exit 0")
	got := within(t, "LoggedIn", calls)
	client.Close()
	if got.who.Name != "alice" || got.from != client.LocalAddr().String() || !printable(got.login) || len(got.login) > 2*maxLogin {
		t.Errorf("LoggedIn(%+v)", got)
	}
	s.log.wants(t, "Disconnected from user we")
	if len(calls) != 0 {
		t.Error("LoggedIn was called again")
	}
	log := s.log.String()
	accepted := regexp.MustCompile(`Accepted publickey for we\S+ from 127\.0\.0\.1 port \d+ ssh2: ED25519 SHA256:\S{43}`)
	if !accepted.MatchString(log) {
		t.Error("no Accepted line like OpenSSH's")
	}
	if strings.Contains(log, "Failed publickey") {
		t.Error("one good key among several is no failure")
	}
	if !regexp.MustCompile(`duration=\S+ received=\d+ sent=\d+ sessions=2`).MatchString(log) {
		t.Error("no numbers at the end")
	}
}

func TestFailuresAreLoggedButNotWithoutEnd(t *testing.T) {
	s := serve(t, chatty)
	if _, err := s.tryDial("root", badKey); err == nil {
		t.Fatal("logged in")
	}
	s.log.wants(t, "Failed publickey for root from 127.0.0.1 port")
	s.log.wants(t, "key not in authorized_keys")
	s.log.wants(t, "Connection closed by authenticating user root 127.0.0.1 port")
	for range 200 {
		s.stranger(sourceOf(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}), "flood of one")
	}
	if n := strings.Count(s.log.String(), "flood of one"); n != 10 {
		t.Errorf("%d lines of one source; want 10", n)
	}
	for i := range 10000 {
		s.stranger(sourceOf(&net.TCPAddr{IP: net.IPv4(10, 0, byte(i>>8), byte(i))}), "flood of many")
	}
	if n := strings.Count(s.log.String(), "flood of many"); n > 200 {
		t.Errorf("%d lines of many sources", n)
	}
	if n := len(s.sources.known); n > maxSources {
		t.Errorf("%d sources remembered", n)
	}
	s.strangers.total = rate.NewLimiter(rate.Every(time.Second), 1)
	s.stranger(sourceOf(&net.TCPAddr{IP: net.IPv4(11, 0, 0, 1)}), "later")
	s.log.wants(t, "msg=later suppressed_before=")
}

func TestTooManyTries(t *testing.T) {
	s := serve(t, chatty)
	keys := []gossh.Signer{newKey(), newKey(), newKey(), newKey(), newKey(), newKey(), goodKey}
	if _, err := s.tryDial("alice", keys...); err == nil {
		t.Error("logged in with the seventh key")
	}
	client, err := s.tryDial("alice", keys[1:]...)
	if err != nil {
		t.Fatalf("with the sixth: %v", err)
	}
	client.Close()
}

// Before a login a client can make the server take in only so much, whatever it is.
func TestTooMuchBeforeLogin(t *testing.T) {
	s := serve(t, chatty)
	raw := dialRaw(t, s.addr)
	raw.requestService()
	ignored := append([]byte{2}, gossh.Marshal(struct{ Data []byte }{make([]byte, 30<<10)})...)
	for range 20 {
		raw.Send(ignored)
	}
	if !raw.IsClosed() {
		t.Error("still connected")
	}
	s.log.wants(t, errTooMuch.Error())
}

// Who fails is slowed down, never locked out, and forgiven at once by a login.
func TestFailingSourceIsSlowedDown(t *testing.T) {
	s := serve(t, chatty)
	from := sourceOf(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	for range freeFailures + 1 {
		if _, err := s.tryDial("x", badKey); err == nil {
			t.Fatal("logged in")
		}
	}
	eventually(t, "a delay", func() bool { return s.sources.delay(from) == delayStep })
	if got := run(t, s.dial(), "exit 3"); got.exit != 3 {
		t.Errorf("exit %d", got.exit)
	}
	if wait := s.sources.delay(from); wait != 0 {
		t.Errorf("after a login: delay %v", wait)
	}
	s.sources.with(from, func(e *source) { e.failures = 1000 })
	if wait := s.sources.delay(from); wait != longestDelay {
		t.Errorf("delay %v; want %v", wait, longestDelay)
	}
	s.sources.with(from, func(e *source) { e.since = e.since.Add(-2 * time.Hour) })
	s.sources.with(from, func(e *source) {
		if e.failures != 880 {
			t.Errorf("%d failures after two hours; want 880", e.failures)
		}
	})
}

func TestSources(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
	} {
		if got := sourceOf(&net.TCPAddr{IP: net.ParseIP(ip)}).String(); got != want {
			t.Errorf("source of %s: %s; want %s", ip, got, want)
		}
	}
}

func TestDescribeCertificate(t *testing.T) {
	cert := &gossh.Certificate{Key: goodKey.PublicKey(), Serial: 12, KeyId: "ann\x1b\n example", CertType: gossh.UserCert, ValidBefore: gossh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, otherKey); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`ED25519-CERT %s ID ann\x1b\n\x20example (serial 12) CA ED25519 %s`,
		gossh.FingerprintSHA256(goodKey.PublicKey()), gossh.FingerprintSHA256(otherKey.PublicKey()))
	if got := describe(cert); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestIdentityIsNeverInvented(t *testing.T) {
	s := serve(t, chatty, func(c *Config) {
		c.Authorize = func(gossh.ConnMetadata, gossh.PublicKey) (*gossh.Permissions, error) { return nil, nil }
	})
	if _, err := s.tryDial("x", goodKey); err == nil {
		t.Error("logged in without permissions")
	}
	s = serve(t, chatty, func(c *Config) {
		c.Authorize = func(gossh.ConnMetadata, gossh.PublicKey) (*gossh.Permissions, error) {
			return &gossh.Permissions{}, nil
		}
	})
	if _, err := s.tryDial("x", goodKey); err == nil {
		t.Error("logged in as nobody")
	}
	s = serve(t, chatty, func(c *Config) {
		c.Authorize = func(gossh.ConnMetadata, gossh.PublicKey) (*gossh.Permissions, error) { panic("authorize") }
	})
	if _, err := s.tryDial("x", goodKey); err == nil {
		t.Error("logged in through a panic")
	}
	s.log.wants(t, "defect: panic")
}

// source-address is the library's to enforce, and works only while the address of our conn is a *net.TCPAddr.
func TestSourceAddress(t *testing.T) {
	s := serve(t, chatty, func(c *Config) {
		c.Authorize = func(meta gossh.ConnMetadata, _ gossh.PublicKey) (*gossh.Permissions, error) {
			return &gossh.Permissions{
				CriticalOptions: map[string]string{"source-address": meta.User()},
				ExtraData:       map[any]any{identityKey{}: auth.Identity{Role: auth.Viewer}},
			}, nil
		}
	})
	if _, err := s.tryDial("192.0.2.0/24", goodKey); err == nil {
		t.Error("logged in from elsewhere")
	}
	client, err := s.tryDial("127.0.0.0/8", goodKey)
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
}

func TestAlgorithms(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, _ := gossh.NewSignerFromKey(private)
	s := serve(t, chatty, func(c *Config) { c.HostKeys = append(c.HostKeys, rsaKey) })
	s.allow(rsaKey, auth.Identity{Name: "rsa"})
	dial := func(change func(*gossh.ClientConfig)) error {
		config := &gossh.ClientConfig{User: "x", Auth: []gossh.AuthMethod{gossh.PublicKeys(goodKey)}, HostKeyCallback: gossh.InsecureIgnoreHostKey()}
		change(config)
		client, err := gossh.Dial("tcp", s.addr, config)
		if err == nil {
			client.Close()
		}
		return err
	}
	for _, c := range []struct {
		name string
		good bool
		set  func(*gossh.ClientConfig)
	}{
		{"group14-sha1", false, func(c *gossh.ClientConfig) { c.KeyExchanges = []string{"diffie-hellman-group14-sha1"} }},
		{"nistp256", false, func(c *gossh.ClientConfig) { c.KeyExchanges = []string{"ecdh-sha2-nistp256"} }},
		{"curve25519", true, func(c *gossh.ClientConfig) { c.KeyExchanges = []string{"curve25519-sha256"} }},
		{"mlkem", true, func(c *gossh.ClientConfig) { c.KeyExchanges = []string{"mlkem768x25519-sha256"} }},
		{"chacha", true, func(c *gossh.ClientConfig) { c.Ciphers = []string{"chacha20-poly1305@openssh.com"} }},
		{"aes256-ctr", true, func(c *gossh.ClientConfig) { c.Ciphers = []string{"aes256-ctr"} }},
		{"aes128-cbc", false, func(c *gossh.ClientConfig) { c.Ciphers = []string{"aes128-cbc"} }},
		{"hmac-sha1", false, func(c *gossh.ClientConfig) { c.Ciphers, c.MACs = []string{"aes256-ctr"}, []string{"hmac-sha1"} }},
		{"host key ssh-rsa", false, func(c *gossh.ClientConfig) { c.HostKeyAlgorithms = []string{"ssh-rsa"} }},
		{"host key rsa-sha2", true, func(c *gossh.ClientConfig) { c.HostKeyAlgorithms = []string{"rsa-sha2-512"} }},
		{"login rsa-sha2", true, func(c *gossh.ClientConfig) { c.Auth = []gossh.AuthMethod{gossh.PublicKeys(rsaKey)} }},
		{"login ssh-rsa", false, func(c *gossh.ClientConfig) {
			old, _ := gossh.NewSignerWithAlgorithms(rsaKey.(gossh.AlgorithmSigner), []string{"ssh-rsa"})
			c.Auth = []gossh.AuthMethod{gossh.PublicKeys(old)}
		}},
	} {
		if err := dial(c.set); (err == nil) != c.good {
			t.Errorf("%s: %v; want it to work: %v", c.name, err, c.good)
		}
	}
}
