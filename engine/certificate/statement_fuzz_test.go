package certificate

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzStatement has somebody sign anything as a certificate. What wiped verify then says of it can be shown, and says erased of
// nothing that contradicts itself or whose own figures do not bear it.
func FuzzStatement(f *testing.F) {
	signer := newSigner(f, 1)
	whole := document(f, from(f, erasedRecord()))
	f.Add(whole)
	f.Add(bytes.Replace(whole, []byte(`"erased"`), []byte(`"failed"`), 1))
	f.Add(bytes.Replace(whole, []byte("sdb"), []byte(`\u001b[2J`), 2))
	f.Add([]byte(`{"schema":"wiped.certificate/1","result":"erased"}`))
	f.Add([]byte(`{"drive":null,"passes":[null],"verification":{"started":"x"}}`))
	f.Add([]byte("[1e999]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Verify(text, sign(t, signer, text))
		if err != nil {
			return
		}
		s := v.Statement
		if !json.Valid(text) || s.Check() != nil {
			t.Errorf("%q is a certificate", text)
		}
		shown := s.Text()
		if !utf8.ValidString(shown) || strings.ContainsFunc(shown, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
			t.Errorf("%q is shown as %q", text, shown)
		}
		heading, _, _ := strings.Cut(shown, "\n")
		if strings.HasPrefix(heading, "NOT ERASED") == (s.Result == "erased") || strings.Contains(s.Heading(), "\n") {
			t.Errorf("%q is headed %q", text, heading)
		}
		if s.Result == "erased" && (s.Verification.Result != "passed" || s.Verification.BytesRead <= 0 || s.Errors != (Errors{})) {
			t.Errorf("%q says erased", text)
		}
	})
}
