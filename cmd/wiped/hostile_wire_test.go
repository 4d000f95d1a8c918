//go:build hostile

package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mathrand "math/rand/v2"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/shell/sshd/rawtest"
)

// Cases 12 to 14, and ssh-audit: what goes over the wire before anybody is known.

// terrapin slips a packet into the first key exchange (CVE-2023-48795), and asks for algorithms that are weak.
func terrapin(g *target) {
	for name, stray := range map[string][]byte{
		"IGNORE": append([]byte{rawtest.MsgIgnore}, text("")...), "DEBUG": append([]byte{4, 0}, append(text(""), text("")...)...),
		"UNIMPLEMENTED": {3, 0, 0, 0, 0}, "second KEXINIT": (&rawtest.Client{Strict: true}).KexInit(),
	} {
		c := g.knock(g.source(1))
		c.Strict = true
		if err := c.Greet(); err != nil {
			g.Fatal(err)
		}
		if err := c.OfferAlgorithms(); err != nil {
			g.Fatal(err)
		}
		_ = c.Send(stray)
		if err := c.Exchange(); err == nil {
			g.Errorf("%s in the middle of a strict key exchange: it went on", name)
		}
		c = g.knock(g.source(2))
		c.Strict = true
		_ = c.Greet()
		_ = c.Send(stray)
		if c.OfferAlgorithms() == nil && c.Exchange() == nil && name != "second KEXINIT" {
			g.Errorf("%s before a strict key exchange: it went on", name)
		}
	}
	c := g.knock(g.source(3))
	if err := c.Handshake(); err != nil {
		g.Fatal(err)
	}
	g.onlyHardened(c.ServerInit)
	for _, weak := range []string{
		"KexAlgorithms=diffie-hellman-group14-sha1", "KexAlgorithms=ecdh-sha2-nistp256", "KexAlgorithms=diffie-hellman-group-exchange-sha256",
		"Ciphers=aes128-cbc", "Ciphers=3des-cbc", "HostKeyAlgorithms=ssh-rsa", "PubkeyAcceptedAlgorithms=ssh-rsa",
	} {
		out, err := g.ssh("operator", "-o", weak, "op@127.0.0.1", "hello").CombinedOutput()
		if err == nil {
			g.Errorf("ssh -o %s: %s", weak, out)
		}
	}
	if out, err := g.ssh("operator", "-c", "aes256-ctr", "-m", "hmac-sha1", "op@127.0.0.1", "hello").CombinedOutput(); err == nil {
		g.Errorf("ssh with hmac-sha1: %s", out)
	}
}

// onlyHardened holds the server's offer against the list of what is meant to be in it, and nothing else.
func (g *target) onlyHardened(packet []byte) {
	var offer struct {
		Cookie                                                        [16]byte `sshtype:"20"`
		Kex, HostKeys, CipherC, CipherS, MACC, MACS, ZipC, ZipS, A, B []string
		Follows                                                       bool
		Reserved                                                      uint32
	}
	if err := ssh.Unmarshal(packet, &offer); err != nil {
		g.Fatal(err)
	}
	for name, c := range map[string]struct{ got, want []string }{
		"key exchange": {offer.Kex, []string{"mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org", "kex-strict-s-v00@openssh.com"}},
		"host keys":    {offer.HostKeys, []string{"ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"}},
		"ciphers":      {offer.CipherS, []string{"chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr"}},
		"MACs":         {offer.MACS, []string{"hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com"}},
		"compression":  {offer.ZipS, []string{"none"}},
	} {
		slices.Sort(c.got)
		slices.Sort(c.want)
		if !slices.Equal(c.got, c.want) {
			g.Errorf("%s: %v; want %v", name, c.got, c.want)
		}
	}
	if !slices.Contains(offer.Kex, "kex-strict-s-v00@openssh.com") {
		g.Error("no strict key exchange")
	}
}

// malformed sends packets that are no packets, before and after the key exchange: the connection ends, the server does not.
func malformed(g *target) {
	length := func(n uint32, more ...byte) []byte { return append(binary.BigEndian.AppendUint32(nil, n), more...) }
	clear := map[string][]byte{
		"length 0": length(0), "length 1": length(1, 0), "length 4 GB": length(0xFFFFFFFF, 4, 20), "length 256 kB and 1": length(256<<10+1, make([]byte, 300<<10)...),
		"length not of blocks": length(13, make([]byte, 13)...), "padding longer than the packet": length(12, append([]byte{200, 20}, make([]byte, 10)...)...),
		"no padding": length(12, append([]byte{0, 20}, make([]byte, 10)...)...), "nothing but padding": length(12, append([]byte{11}, make([]byte, 11)...)...),
	}
	n := 0
	source := func() string { n++; return g.source(n) }
	for name, bytes := range clear {
		c := g.knock(source())
		_ = c.Greet()
		_, _ = c.Write(bytes)
		g.wantClosed(c, name)
	}
	for kind := 1; kind < 256; kind++ { // each message in place of the KEXINIT
		if kind == rawtest.MsgKexInit || kind == rawtest.MsgIgnore || kind == 3 || kind == 4 {
			continue
		}
		c := g.knock(source())
		_ = c.Greet()
		_ = c.Send(append([]byte{byte(kind)}, text("ssh-connection")...))
		g.wantClosed(c, fmt.Sprintf("message %d instead of KEXINIT", kind))
	}
	for name, bytes := range map[string]func(*raw) []byte{
		"wrong MAC":      func(c *raw) []byte { p := c.Encode([]byte{rawtest.MsgIgnore, 0, 0, 0, 0}); p[len(p)-1] ^= 1; return p },
		"changed length": func(c *raw) []byte { p := c.Encode([]byte{rawtest.MsgIgnore, 0, 0, 0, 0}); p[3] ^= 16; return p },
		"256 kB and 1, encrypted": func(c *raw) []byte {
			return c.Encode(append([]byte{rawtest.MsgIgnore}, text(string(make([]byte, 256<<10)))...))
		},
		"padding of the whole": func(c *raw) []byte { return c.Seal(append([]byte{255}, make([]byte, 15)...)) },
		"padding of 3":         func(c *raw) []byte { return c.Seal(append([]byte{3}, make([]byte, 15)...)) },
		"an empty packet":      func(c *raw) []byte { return c.Seal(append([]byte{15}, make([]byte, 15)...)) },
		"service ssh-connection": func(c *raw) []byte {
			return c.Encode(append([]byte{rawtest.MsgServiceRequest}, text("ssh-connection")...))
		},
		"channel before the login": func(c *raw) []byte { return c.Encode(rawtest.OpenRequest("session", 0, 1<<20, 32<<10)) },
		"global before the login":  func(c *raw) []byte { return c.Encode(globalRequest("x", true)) },
		"login without a service":  func(c *raw) []byte { return c.Encode(loginRequest("root", "none")) },
		"garbage":                  func(*raw) []byte { b := make([]byte, 4096); rand.Read(b); return b },
	} {
		c := g.keyed(source())
		_, _ = c.Write(bytes(c))
		g.wantClosed(c, name)
	}
	for name, packet := range map[string][]byte{
		"success of a login": {rawtest.MsgUserAuthSuccess}, "channel 7 of nobody": rawtest.ChannelRequest(7, "exec", true, text("hello")), "unknown message": {192, 1, 2},
		"channel data of nobody": append([]byte{rawtest.MsgChannelData, 0, 0, 0, 9}, text("x")...), "truncated request": {rawtest.MsgChannelRequest, 0, 0},
		"open without a kind": {rawtest.MsgChannelOpen, 0, 0, 0, 9}, "confirmation unasked": {rawtest.MsgChannelConfirm, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"global success unasked": {rawtest.MsgGlobalSuccess},
	} {
		c := g.in(source(), "operator")
		_ = c.Send(packet)
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		for { // some end the connection, some are passed over; neither may hurt
			if _, err := c.Receive(); err != nil {
				break
			}
		}
		_ = name
		c.Close()
	}
	g.mutations(400, source)
}

// wantClosed checks that the server ends the connection. It is told that no more will come, so that it cannot wait for the rest.
func (g *target) wantClosed(c *raw, name string) {
	g.Helper()
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	if !c.IsClosed() {
		g.Errorf("%s: the connection stays open", name)
	}
	c.Close()
}

// mutations sends the first bytes of a good connection with some changed.
func (g *target) mutations(n int, source func() string) {
	seed := uint64(time.Now().UnixNano())
	g.Logf("the seed of the mutations is %d", seed)
	dice := mathrand.New(mathrand.NewPCG(seed, 1))
	good := []byte("SSH-2.0-raw\r\n")
	good = append(good, (&rawtest.Client{}).Encode((&rawtest.Client{}).KexInit())...)
	good = append(good, (&rawtest.Client{}).Encode(append([]byte{30}, text(strings.Repeat("\x09", 32))...))...)
	for range n {
		c := g.knock(source())
		bytes := slices.Clone(good)
		for range 1 + dice.IntN(8) {
			switch at := dice.IntN(len(bytes)); dice.IntN(3) {
			case 0:
				bytes[at] = byte(dice.Uint32())
			case 1:
				bytes = slices.Insert(bytes, at, byte(dice.Uint32()), 0xFF)
			default:
				bytes = append(bytes[:at], bytes[min(len(bytes), at+dice.IntN(9)):]...)
			}
		}
		_, _ = c.Write(bytes)
		g.wantClosed(c, "mutated bytes")
	}
}

// strangeTalkers speak no SSH, or SSH with control characters in it: a line in the log for each, and nothing in it that looks like another.
func strangeTalkers(g *target) {
	evil := "\x1b]0;owned\x07\x9b31m\r\ntime=2026-01-01T00:00:00Z level=INFO msg=\"Accepted publickey for admin\" \u202e"
	hello, err := exec.Command("head", "-c", "300", "/dev/urandom").Output()
	if err != nil {
		g.Fatal(err)
	}
	talk := map[string]string{
		"HTTP": "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: " + evil + "\r\n\r\n", "TLS": "\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + string(hello[:190]),
		"noise": string(hello), "nothing": "", "SSH-1": "SSH-1.5-old" + evil + "\r\n", "long": strings.Repeat("A", 100<<10), "version": "SSH-2.0-" + evil + "\r\n",
		"NUL": "SSH-2.0-a\x00b\r\n", "lines": strings.Repeat("hello\r\n", 5000), "line ends": strings.Repeat("\r\n", 5000),
	}
	n := 0
	for name, bytes := range talk {
		n++
		c := g.knock(g.source(n))
		_, _ = c.Write([]byte(bytes))
		g.wantClosed(c, name)
		said := 0
		if err := eventually(func() error {
			if said = strings.Count(g.log(), g.source(n)+" "); said == 0 {
				return fmt.Errorf("%s: no line in the log", name)
			}
			return nil
		}); err != nil {
			g.Error(err)
		}
		if said > 1 {
			g.Errorf("%s: %d lines in the log", name, said)
		}
	}
	for i, user := range []string{evil, "root\nFailed publickey", strings.Repeat("u", 20<<10), "a b from 1.2.3.4 port 5 ssh2", ""} {
		c := g.keyed(g.source(50 + i))
		_ = c.RequestService("ssh-userauth")
		_, _ = c.Offer(user, newPublicKey())
		c.Close()
		g.wantLog(g.source(50+i) + " ")
	}
	client, err := g.dialAs(g.source(90), evil, g.keys["viewer"])
	if err != nil {
		g.Fatalf("a login name of any bytes: %v", err)
	}
	client.Close()
	admin := g.dial("admin")
	if got := execute(admin, "audit"); control.MatchString(got.out) {
		g.Errorf("audit prints control characters: %q", got.out)
	}
	forged := regexp.MustCompile(`(?m)^time=2026-01-01T00:00:00Z`)
	if forged.MatchString(g.log()) {
		g.Error("a line of the log was forged")
	}
	for line := range strings.SplitSeq(strings.TrimSpace(g.log()), "\n") {
		if !strings.HasPrefix(line, "time=") && !strings.HasPrefix(line, "listening on ") {
			g.Errorf("a line of the log begins otherwise: %q", line)
		}
		if len(line) > 4096 {
			g.Errorf("a line of the log has %d bytes", len(line))
		}
	}
}

// sshAudit is the judgement of Debian's ssh-audit: no failure. Its warnings are of algorithms that it does not know yet.
func sshAudit(g *target) {
	out, err := exec.Command("timeout", "60", "ssh-audit", "-4", "-n", "-p", g.port, "127.0.0.1").CombinedOutput()
	if len(out) == 0 {
		g.Fatalf("ssh-audit: %v. Next: apt-get install ssh-audit", err)
	}
	said := string(out)
	if !strings.Contains(said, "(kex) curve25519-sha256") || !strings.Contains(said, "(enc) ") {
		g.Errorf("ssh-audit has not seen the server:\n%s", said)
	}
	g.outcome.note("%d (fail), %d (warn)", strings.Count(said, "[fail]"), strings.Count(said, "[warn]"))
	if strings.Contains(said, "[fail]") {
		g.Errorf("ssh-audit:\n%s", said)
	}
}
