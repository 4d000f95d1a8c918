package certificate

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Allowed tells whether an allowed_signers file (ssh-keygen(1)) lets key sign certificates at the time now. The error
// says why not. Lines with cert-authority are passed over: stations sign with plain keys.
func Allowed(file []byte, key ssh.PublicKey, now time.Time) error {
	var why error
	for line := range bytes.Lines(file) {
		text := strings.TrimSpace(string(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		cut := strings.IndexAny(text, " \t")
		if cut < 0 {
			continue
		}
		principals, rest := text[:cut], strings.TrimLeft(text[cut:], " \t")
		listed, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
		if err != nil || !bytes.Equal(listed.Marshal(), key.Marshal()) {
			continue
		}
		if err := allows(strings.Trim(principals, `"`), options, now); err != nil {
			why = err
			continue
		}
		return nil
	}
	if why != nil {
		return why
	}
	return errors.New("its signer is not in the allowed signers file")
}

func allows(principals string, options []string, now time.Time) error {
	if !matchList(principals, Principal) {
		return fmt.Errorf("its signer is listed for %q, not for %q", principals, Principal)
	}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "namespaces":
			if !matchList(value, Namespace) {
				return fmt.Errorf("its signer is listed for the namespaces %q, not for %q", value, Namespace)
			}
		case "valid-after", "valid-before":
			at, err := parseTime(value)
			if err != nil {
				return err
			}
			if now.Before(at) == (strings.ToLower(name) == "valid-after") {
				return fmt.Errorf("its signer is not valid now (%s)", o)
			}
		default:
			return fmt.Errorf("its signer is listed with the option %q, which is not known here", name)
		}
	}
	return nil
}

// matchList matches a comma-separated list of patterns; one that is negated and matches wins.
func matchList(list, word string) bool {
	found := false
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if matches(pattern, word) {
			if negated {
				return false
			}
			found = true
		}
	}
	return found
}

// matches knows the wildcards of OpenSSH's patterns: * and ?, and no others.
func matches(pattern, word string) bool {
	switch {
	case pattern == "":
		return word == ""
	case pattern[0] == '*':
		pattern = "*" + strings.TrimLeft(pattern, "*")
		return matches(pattern[1:], word) || (word != "" && matches(pattern, word[1:]))
	case word == "":
		return false
	}
	return (pattern[0] == '?' || pattern[0] == word[0]) && matches(pattern[1:], word[1:])
}

func parseTime(text string) (time.Time, error) {
	zone := time.Local
	digits, utc := strings.CutSuffix(text, "Z")
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if t, err := time.ParseInLocation(layout, digits, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time of the form YYYYMMDD[HHMM[SS]][Z]", text)
}
