package method

import (
	"fmt"
	"slices"
)

// Level is what NIST SP 800-88r2 calls the result of a technique. A higher one includes the lower; zero is none.
type Level int

const (
	Clear Level = iota + 1 // section 3.1.1: simple, non-invasive recovery is infeasible
	Purge                  // section 3.1.2: recovery is infeasible for a laboratory, too
)

// Verification is how much of a drive is read back and compared. Zero is no decision.
type Verification int

const (
	VerifyNone   Verification = iota + 1 // nothing: the result is "unverified"
	VerifySample                         // at least 10 %: wipe.SampleExtents
	VerifyFull                           // every byte
)

var (
	levels        = []string{"", "clear", "purge"}
	verifications = []string{"", "none", "sample", "full"}
)

// String returns the word, or "" for none.
func (l Level) String() string { return word(levels, int(l)) }

// MarshalText returns the word; it never fails.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText accepts what ParseLevel does, and nothing for none.
func (l *Level) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*l = 0
		return nil
	}
	*l, err = ParseLevel(string(text))
	return err
}

// ParseLevel returns the level for "clear" or "purge".
func ParseLevel(s string) (Level, error) {
	i, err := parse(levels, s, "level")
	return Level(i), err
}

// String returns the word, or "" for no decision.
func (v Verification) String() string { return word(verifications, int(v)) }

// MarshalText returns the word; it never fails.
func (v Verification) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText accepts what ParseVerification does, and nothing for no decision.
func (v *Verification) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*v = 0
		return nil
	}
	*v, err = ParseVerification(string(text))
	return err
}

// ParseVerification returns the verification for "none", "sample" or "full".
func ParseVerification(s string) (Verification, error) {
	i, err := parse(verifications, s, "verification")
	return Verification(i), err
}

func word(words []string, i int) string {
	if i < 0 || i >= len(words) {
		return ""
	}
	return words[i]
}

func parse(words []string, s, what string) (int, error) {
	if i := slices.Index(words, s); i > 0 {
		return i, nil
	}
	return 0, fmt.Errorf("parse %s: %q is none of %q", what, s, words[1:])
}
