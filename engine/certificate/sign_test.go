package certificate

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// keygen asks the real ssh-keygen whether it takes a signature.
func keygen(t testing.TB, signers string, text, signature []byte, when time.Time) error {
	t.Helper()
	program, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("no ssh-keygen here")
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"signers": []byte(signers), "sig": signature} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"-Y", "verify", "-f", filepath.Join(dir, "signers"), "-I", Principal, "-n", Namespace, "-s", filepath.Join(dir, "sig")}
	if !when.IsZero() {
		args = append(args, "-Overify-time="+when.UTC().Format("20060102150405Z"))
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

func TestSignAndVerify(t *testing.T) {
	signer := newSigner(t, 1)
	text := document(t, from(t, erasedRecord()))
	sig := sign(t, signer, text)
	if again := sign(t, signer, text); !bytes.Equal(sig, again) {
		t.Errorf("Sign = %s, then %s; want the same each time", sig, again)
	}
	v, err := Verify(text, sig)
	if err != nil || !bytes.Equal(v.Key.Marshal(), signer.PublicKey().Marshal()) || v.Statement.ID != 7 {
		t.Errorf("Verify = %+v, %v; want job 7 and the signer's key", v, err)
	}
	line := SignerLine(signer.PublicKey())
	want := `wiped namespaces="wiped-certificate" ` + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	if line != want {
		t.Errorf("SignerLine = %s; want %s", line, want)
	}
	if err := Allowed([]byte(line+"\n"), v.Key, noon); err != nil {
		t.Errorf("Allowed(%s) = %v; want no error", line, err)
	}
	if err := keygen(t, line+"\n", text, sig, time.Time{}); err != nil {
		t.Errorf("ssh-keygen -Y verify = %v; want no error", err)
	}
	if err := keygen(t, line+"\n", append([]byte(" "), text...), sig, time.Time{}); err == nil {
		t.Error("ssh-keygen -Y verify of a changed document = nil; want an error")
	}
}

func TestVerifyRefuses(t *testing.T) {
	signer, other := newSigner(t, 1), newSigner(t, 2)
	text := document(t, from(t, erasedRecord()))
	sig := sign(t, signer, text)
	foreign, err := sshsig.Sign(bytes.NewReader(text), signer, sshsig.HashSHA512, "git")
	if err != nil {
		t.Fatal(err)
	}
	mixed, _ := sshsig.Unarmor(sig)
	mixed.PublicKey = other.PublicKey()
	for what, test := range map[string]struct{ text, sig []byte }{
		"no signature":                {text, nil},
		"a text for a signature":      {text, text},
		"a signature on another":      {text, sign(t, signer, []byte("{}"))},
		"the namespace git":           {text, sshsig.Armor(foreign)},
		"another key in it":           {text, sshsig.Armor(mixed)},
		"a public key":                {text, ssh.MarshalAuthorizedKey(signer.PublicKey())},
		"an empty document":           {nil, sign(t, signer, nil)},
		"no certificate":              {[]byte("{}"), sign(t, signer, []byte("{}"))},
		"null":                        {[]byte("null"), sign(t, signer, []byte("null"))},
		"two documents":               {slices.Concat(text, text), sign(t, signer, slices.Concat(text, text))},
		"a document with more behind": {append(slices.Clone(text), '\n'), sig},
	} {
		if v, err := Verify(test.text, test.sig); err == nil {
			t.Errorf("Verify(%s) = %+v, nil; want an error", what, v)
		}
	}
}

// Not one bit of the document or of its signature can change unnoticed.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	signer := newSigner(t, 1)
	for n := range 3 { // documents of different lengths: the last character of the signature carries other bits
		r := erasedRecord()
		r.Job.Note = strings.Repeat("x", n)
		text := document(t, from(t, r))
		sig := sign(t, signer, text)
		for at := range text { // one bit of each byte, another one each time: the hash sees no difference
			bit := (at + 3*n) % 8
			text[at] ^= 1 << bit
			if _, err := Verify(text, sig); err == nil {
				t.Errorf("Verify with bit %d of byte %d of the document flipped = nil; want an error", bit, at)
			}
			text[at] ^= 1 << bit
		}
		for at := range sig {
			for bit := range 8 {
				sig[at] ^= 1 << bit
				if _, err := Verify(text, sig); err == nil {
					t.Errorf("Verify with bit %d of byte %d of the signature (%q) flipped = nil; want an error; ssh-keygen says %v", bit, at, sig[at],
						keygen(t, SignerLine(signer.PublicKey())+"\n", text, sig, time.Time{}))
				}
				sig[at] ^= 1 << bit
			}
		}
	}
}

// A signature that stock OpenSSH does not take is none, whatever is lenient here.
func TestNoMoreLenientThanOpenSSH(t *testing.T) {
	signer := newSigner(t, 1)
	text := document(t, from(t, erasedRecord()))
	good := string(sign(t, signer, text))
	block, _ := pem.Decode([]byte(good))
	line := base64.StdEncoding.EncodeToString(block.Bytes)
	armored := func(body string) string {
		return "-----BEGIN SSH SIGNATURE-----\n" + body + "\n-----END SSH SIGNATURE-----\n"
	}
	for what, sig := range map[string]string{
		"the good one":            good,
		"one long line":           armored(line),
		"text before":             "hello\n" + good,
		"text behind":             good + "hello\n",
		"two":                     good + good,
		"a header":                strings.Replace(good, "-----\n", "-----\nComment: hello\n\n", 1),
		"blanks in it":            strings.Replace(good, "\nU1NIU0lH", "\n U1NIU0lH", 1),
		"Windows line ends":       strings.ReplaceAll(good, "\n", "\r\n"),
		"no line end":             strings.TrimSuffix(good, "\n"),
		"bytes behind":            armored(base64.StdEncoding.EncodeToString(append(slices.Clone(block.Bytes), 0))),
		"another kind":            strings.ReplaceAll(good, "SSH SIGNATURE", "SSH SIGNATURES"),
		"of version 2":            armored(base64.StdEncoding.EncodeToString(bytes.Replace(block.Bytes, []byte("SSHSIG\x00\x00\x00\x01"), []byte("SSHSIG\x00\x00\x00\x02"), 1))),
		"cut off":                 armored(base64.StdEncoding.EncodeToString(block.Bytes[:len(block.Bytes)-1])),
		"with an empty signature": armored(base64.StdEncoding.EncodeToString(block.Bytes[:len(block.Bytes)-64])),
	} {
		_, ours := Verify(text, []byte(sig))
		theirs := keygen(t, SignerLine(signer.PublicKey())+"\n", text, []byte(sig), time.Time{})
		if ours == nil && theirs != nil && what != "Windows line ends" { // those change nothing of what is signed
			t.Errorf("Verify(a signature with %s) = nil, ssh-keygen says %v; want an error", what, theirs)
		}
	}
}

// Each line is judged as ssh-keygen judges it.
func TestAllowed(t *testing.T) {
	signer, other := newSigner(t, 1), newSigner(t, 2)
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	foreign := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(other.PublicKey())))
	text := document(t, from(t, erasedRecord()))
	sig := sign(t, signer, text)
	ns := ` namespaces="wiped-certificate" `
	for _, test := range []struct {
		what, file string
		want       bool
	}{
		{"the line of signer", "wiped" + ns + key + "\n", true},
		{"no namespaces", "wiped " + key + "\n", true},
		{"a comment behind the key", "wiped " + key + " bench 3, 2026\n", true},
		{"no line end", "wiped " + key, true},
		{"Windows line ends", "# one\r\nwiped" + ns + key + "\r\n", true},
		{"comments and blank lines", "# stations\n\n   \n#wiped " + foreign + "\nwiped " + key + "\n", true},
		{"a commented-out line", "# wiped " + key + "\n", false},
		{"leading blanks", "  wiped " + key + "\n", true},
		{"tabs between", "wiped\t" + key + "\n", true},
		{"several blanks between", "wiped   " + key + "\n", true},
		{"an empty file", "", false},
		{"another key", "wiped" + ns + foreign + "\n", false},
		{"another key first", "wiped " + foreign + "\nwiped " + key + "\n", true},
		{"another principal", "alice " + key + "\n", false},
		{"another principal, then ours", "alice " + key + "\nwiped " + key + "\n", true},
		{"a principal that begins so", "wiped2 " + key + "\n", false},
		{"a principal in capitals", "WIPED " + key + "\n", false},
		{"a list of principals", "alice,wiped,bob " + key + "\n", true},
		{"quoted principals", `"alice,wiped" ` + key + "\n", true},
		{"a pattern", "wip* " + key + "\n", true},
		{"any principal", "* " + key + "\n", true},
		{"a pattern with ?", "wipe? " + key + "\n", true},
		{"a pattern that excludes", "*,!wiped " + key + "\n", false},
		{"a pattern that excludes, first", "!wiped,* " + key + "\n", false},
		{"only an exclusion", "!alice " + key + "\n", false},
		{"brackets are no pattern", "[w]iped " + key + "\n", false},
		{"no principal", key + "\n", false},
		{"another namespace", `wiped namespaces="git" ` + key + "\n", false},
		{"two namespaces", `wiped namespaces="git,wiped-certificate" ` + key + "\n", true},
		{"a namespace pattern", `wiped namespaces="wiped-*" ` + key + "\n", true},
		{"an excluded namespace", `wiped namespaces="*,!wiped-certificate" ` + key + "\n", false},
		{"an empty namespace", `wiped namespaces="" ` + key + "\n", false},
		{"a namespace that begins so", `wiped namespaces="wiped" ` + key + "\n", false},
		{"a certificate authority", "wiped cert-authority " + key + "\n", false},
		{"a certificate authority with namespaces", `wiped cert-authority,namespaces="wiped-certificate" ` + key + "\n", false},
		{"a certificate authority, then a plain line", "wiped cert-authority " + key + "\nwiped " + key + "\n", true},
		{"an option unheard of", "wiped no-touch " + key + "\n", false},
		{"valid", `wiped valid-after="20260101",valid-before="20270101" ` + key + "\n", true},
		{"expired", `wiped valid-before="20260101" ` + key + "\n", false},
		{"expired an hour ago", `wiped valid-before="202606011100Z" ` + key + "\n", false},
		{"expired a second ago", `wiped valid-before="20260601115959Z" ` + key + "\n", false},
		{"valid one more second", `wiped valid-before="20260601120001Z" ` + key + "\n", true},
		{"not yet valid", `wiped valid-after="20270101" ` + key + "\n", false},
		{"valid since now", `wiped valid-after="20260601120000Z" ` + key + "\n", true},
		{"a date that is none", `wiped valid-before="20269999" ` + key + "\n", false},
		{"an empty date", `wiped valid-before="" ` + key + "\n", false},
		{"expired, then valid", `wiped valid-before="20260101" ` + key + "\nwiped " + key + "\n", true},
		{"half a key", "wiped " + key[:len(key)-10] + "\n", false},
		{"garbage, then ours", "\x00\xff garbage\nwiped " + key + "\n", true},
		{"ours on one line with another", "wiped " + foreign + " wiped " + key + "\n", false},
		{"split by CR", "wiped " + foreign + "\rwiped " + key + "\n", false},
	} {
		err := Allowed([]byte(test.file), signer.PublicKey(), noon)
		if (err == nil) != test.want {
			t.Errorf("Allowed(%s) = %v; want good: %v", test.what, err, test.want)
		}
		theirs := keygen(t, test.file, text, sig, noon)
		if (theirs == nil) != test.want {
			t.Errorf("ssh-keygen with %s says %v; want good: %v", test.what, theirs, test.want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	signer := newSigner(f, 1)
	text := document(f, from(f, erasedRecord()))
	sig := sign(f, signer, text)
	f.Add(text, sig)
	f.Add([]byte("{}"), sign(f, signer, []byte("{}")))
	f.Add(text, bytes.Replace(sig, []byte("U1NI"), []byte("AAAA"), 1))
	f.Add(text, []byte("-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"))
	f.Fuzz(func(t *testing.T, d, s []byte) {
		v, err := Verify(d, s)
		if err != nil {
			return
		}
		if bytes.Equal(v.Key.Marshal(), signer.PublicKey().Marshal()) && !bytes.Equal(d, text) {
			t.Errorf("Verify(%q, %q) = nil, which this key never signed", d, s)
		}
	})
}

func FuzzAllowed(f *testing.F) {
	public := newSigner(f, 2).PublicKey()
	listed := newSigner(f, 1).PublicKey()
	line := SignerLine(listed)
	f.Add([]byte(line))
	f.Add([]byte("# x\r\n\"wiped,*\" cert-authority,valid-after=\"20200101\" " + line[6:] + " comment\n"))
	f.Add([]byte("* " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))[:40]))
	f.Add([]byte("wiped valid-before=\"99991231235959Z\",namespaces=\"!x,*\" " + line[6:]))
	f.Fuzz(func(t *testing.T, file []byte) {
		if err := Allowed(file, public, noon); err == nil {
			t.Errorf("Allowed(%q) = nil for a key that is not in it", file)
		}
		blob := base64.StdEncoding.EncodeToString(listed.Marshal())
		if err := Allowed(file, listed, noon); err == nil && !strings.Contains(string(file), blob) && !strings.Contains(strings.ReplaceAll(string(file), "\r", ""), blob) {
			t.Errorf("Allowed(%q) = nil for a key that is not in it", file)
		}
	})
}
