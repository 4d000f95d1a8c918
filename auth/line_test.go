package auth

import (
	"crypto/ed25519"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestParseLine(t *testing.T) {
	key := publicText(newSigner(t).PublicKey())
	tests := []struct {
		name, text string
		want       line
	}{
		{"plain", key, line{role: Operator}},
		{"comment", key + " bench 3", line{role: Operator, name: "bench 3"}},
		{"tabs", "\t" + strings.Replace(key, " ", " \t ", 1) + "\tbench\t", line{role: Operator, name: "bench"}},
		{"role", `role="admin" ` + key, line{role: Admin}},
		{"viewer", `role="viewer" ` + key, line{role: Viewer}},
		{"no blank in quotes needed", `command="drives --json",no-pty   ` + key, line{role: Operator, command: "drives --json", noPTY: true}},
		{"escaped quote", `command="write: say \"hi\" \n \\ " ` + key, line{role: Operator, command: `write: say "hi" \n \\ `}},
		{"comma and blank quoted", `command="a, b",role="viewer" ` + key, line{role: Viewer, command: "a, b"}},
		{"key in quotes", `command="` + key + `" ` + key, line{role: Operator, command: key}},
		{"restrict", "restrict " + key, line{role: Operator, noPTY: true}},
		{"restrict,pty", "restrict,pty " + key, line{role: Operator}},
		{"pty,restrict", "pty,restrict " + key, line{role: Operator, noPTY: true}},
		{"no-pty,pty", "no-pty,pty " + key, line{role: Operator}},
		{"repeated flag", "restrict,restrict " + key, line{role: Operator, noPTY: true}},
		{"case", `ROLE="viewer",No-Port-Forwarding,no-x11-forwarding ` + key, line{role: Viewer}},
		{"always true", "no-port-forwarding,no-X11-forwarding,no-agent-forwarding,no-user-rc " + key, line{role: Operator}},
		{"no-touch-required", "no-touch-required " + key, line{role: Operator, noTouch: true}},
		{"authority", `cert-authority,role="admin",principals="alice,bob" ` + key, line{role: Admin, authority: true, principals: []string{"alice", "bob"}}},
		{"expiry", `expiry-time="20300102Z" ` + key, line{role: Operator, expires: time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)}},
		{"comment with controls", key + " a\x1b[31mb\u202ec\u200bd\xff\\", line{role: Operator, name: `a\x1b[31mb\u202ec\u200bd\xff\\`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseLine(test.text)
			if err != nil {
				t.Fatalf("parseLine(%q) = %v; want a line", test.text, err)
			}
			got.key, got.blob, got.options = nil, nil, nil
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("parseLine(%q) = %+v; want %+v", test.text, *got, test.want)
			}
		})
	}
}

func TestParseLineRefuses(t *testing.T) {
	signer := newSigner(t)
	key := publicText(signer.PublicKey())
	certificate := publicText(newCertificate(t, newSigner(t).PublicKey(), signer, nil))
	tests := []struct{ name, text, want string }{
		{"unknown option", "environment=\"A=B\" " + key, `"environment" is neither`},
		{"permitopen", `permitopen="a:1" ` + key, `"permitopen" is neither`},
		{"port-forwarding", "port-forwarding " + key, `"port-forwarding" is neither`},
		{"verify-required", "verify-required " + key, "cannot be enforced"},
		{"no-verify-required", "no-verify-required " + key, "is neither"},
		{"unknown option with an escape code", "a\x1bb " + key, `"a\x1bb"`},
		{"second option unknown", "restrict,nonsense " + key, `"nonsense" is neither`},
		{"trailing comma", "restrict, " + key, "end in a comma"},
		{"comma at the end", "restrict,", "end in a comma"},
		{"leading comma", ",restrict " + key, `"" is neither`},
		{"blank after comma", "restrict, pty " + key, "end in a comma"},
		{"flag with a value", `restrict="yes" ` + key, "right after restrict"},
		{"something after a value", `command="a"b ` + key, "right after command"},
		{"value without quotes", "role=admin " + key, `role="operator"`},
		{"no value", "role " + key, `role="operator"`},
		{"no value but a comma", "role,restrict " + key, "wants a value"},
		{"no closing quote but an escaped one", `command="a\\" ` + key, "wants a value"},
		{"no closing quote", `command="a ` + key, "wants a value"},
		{"two roles", `role="viewer",role="admin" ` + key, "role= is there twice"},
		{"two roles, other case", `role="viewer",ROLE="admin" ` + key, "role= is there twice"},
		{"two commands", `command="a",command="a" ` + key, "command= is there twice"},
		{"two froms", `from="10.*",from="*" ` + key, "from= is there twice"},
		{"two expiries", `expiry-time="20300101",expiry-time="20300101" ` + key, "twice"},
		{"bad role", `role="root" ` + key, `"root" is not a role`},
		{"nobody", `role="nobody" ` + key, "is not a role"},
		{"role in capitals", `role="Admin" ` + key, "is not a role"},
		{"empty command", `command="" ` + key, "is empty"},
		{"blank command", `command="  " ` + key, "is empty"},
		{"command with an escape code", "command=\"a\x1bb\" " + key, "cannot be seen"},
		{"command with NUL", "command=\"a\x00b\" " + key, "cannot be seen"},
		{"host name in from", `from="*.example.com" ` + key, "not an IP address"},
		{"bad expiry", `expiry-time="never" ` + key, "is not a time"},
		{"principals without authority", `principals="a" ` + key, "without cert-authority"},
		{"empty principals", `cert-authority,role="viewer",principals="" ` + key, "empty name"},
		{"empty principal", `cert-authority,role="viewer",principals="a,,b" ` + key, "empty name"},
		{"blank before principal", `cert-authority,role="viewer",principals="a, b" ` + key, "empty name"},
		{"authority without role", "cert-authority " + key, "must say what"},
		{"options only", "restrict", "no key after"},
		{"type only", ssh.KeyAlgoED25519, "cut short"},
		{"cut short", key[:len(key)-8], "copy the whole line"},
		{"not base64", "ssh-ed25519 ??? me", "cut short"},
		{"two types", "ssh-ed25519 " + key, "cut short"},
		{"other type", strings.Replace(key, "ssh-ed25519", "ssh-rsa", 1), "it says ssh-rsa but the key is ssh-ed25519"},
		{"unknown type", "restrict ssh-foo AAAA", `"ssh-foo" is not a key type`},
		{"unknown type first", "ssh-foo AAAA", `"ssh-foo" is neither`},
		{"private key", "-----BEGIN OPENSSH PRIVATE KEY-----", "is neither"},
		{"certificate", certificate, "it is a certificate"},
		{"certificate of an authority", `cert-authority,role="viewer" ` + certificate, "it is a certificate"},
		{"dss", "ssh-dss AAAAB3NzaC1kc3MAAACB me", "DSA key is not safe"},
		{"short rsa", publicText(newRSA(t, 1024).PublicKey()), "RSA key of 1024 bits"},
		{"2047 bits", publicText(newRSA(t, 2047).PublicKey()), "RSA key of 2047 bits"},
		{"short rsa authority", `cert-authority,role="viewer" ` + publicText(newRSA(t, 1024).PublicKey()), "1024 bits"},
		{"very long", key + strings.Repeat(" x", maxLine), "longer than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseLine(test.text)
			if got != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("parseLine(%.100q) = %v, %v; want an error with %q", test.text, got, err, test.want)
			}
			if !plain(err.Error()) {
				t.Errorf("parseLine(%.100q) = %q; want a message without control characters", test.text, err)
			}
		})
	}
}

// Every key type that may log in is one ssh-keygen or a security key makes.
func TestParseLineKeyTypes(t *testing.T) {
	keys := []ssh.PublicKey{
		newSigner(t).PublicKey(), newECDSA(t).PublicKey(), newRSA(t, 2048).PublicKey(),
		newSecurityKey(t, true).public, newSecurityECDSA(t, true).public,
	}
	want := []string{"ED25519", "ECDSA", "RSA", "ED25519-SK", "ECDSA-SK"}
	for i, key := range keys {
		l, err := parseLine(publicText(key))
		if err != nil {
			t.Errorf("parseLine(%s) = %v; want a line", key.Type(), err)
			continue
		}
		if got := l.identity(offer{key: key}, "").KeyType; got != want[i] {
			t.Errorf("KeyType of %s = %s; want %s", key.Type(), got, want[i])
		}
	}
}

func TestOptionTable(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range options {
		if o.name != strings.ToLower(o.name) || seen[o.name] || (o.flag == nil) == (o.value == nil) || (o.value != nil) != (o.example != "") {
			t.Errorf("option %q: want one in lower case, once, with a flag or with a value and its example", o.name)
		}
		seen[o.name] = true
		if o.value != nil {
			if err := o.value(&line{}, o.example); err != nil {
				t.Errorf("example of %s=: %v; want it to be right", o.name, err)
			}
		}
	}
}

func FuzzParseLine(f *testing.F) {
	// Always the same key, so that what is found can be run again.
	key := publicText(signerOf(f, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), nil).PublicKey())
	for _, options := range []string{
		"", "restrict ", "restrict,pty ", `role="admin",from="10.0.0.0/8,!10.1.*" `, `command="a \"b\", c",no-pty `,
		`cert-authority,role="viewer",principals="a,b" `, `expiry-time="20300101Z" `, `verify-required `, `command=" `, ",,", "role=\"a\xff\" ",
	} {
		f.Add(options, " me")
	}
	f.Fuzz(func(t *testing.T, prefix, comment string) {
		l, err := parseLine(prefix + key + comment)
		if err != nil {
			if l != nil || !plain(err.Error()) {
				t.Fatalf("parseLine(%q) = %v, %q; want no line and a clean message", prefix, l, err)
			}
			return
		}
		for _, name := range l.options {
			if !slices.ContainsFunc(options, func(o option) bool { return o.name == name }) {
				t.Errorf("parseLine(%q) has option %q; want only known ones", prefix, name)
			}
		}
		if l.role < Viewer || !plain(l.name) || !plain(l.command) || l.authority && !slices.Contains(l.options, "role") {
			t.Errorf("parseLine(%q) = %+v; want a role and clean texts", prefix, l)
		}
		restricted := []struct {
			name string
			kept bool
		}{{"from", l.from != nil}, {"command", l.command != ""}, {"expiry-time", !l.expires.IsZero()}, {"principals", l.principals != nil}}
		for _, r := range restricted {
			if l.hasOption(r.name) != r.kept {
				t.Errorf("parseLine(%q): %s kept %t; want it kept exactly if it is written", prefix, r.name, r.kept)
			}
		}
	})
}
