package auth

import (
	"testing"
	"time"
)

func TestParseExpiry(t *testing.T) {
	local := time.FixedZone("lab", 2*60*60)
	tests := []struct{ text, want string }{
		{"20300102", "2030-01-02T00:00:00+02:00"},
		{"20300102Z", "2030-01-02T00:00:00Z"},
		{"203001021504", "2030-01-02T15:04:00+02:00"},
		{"203001021504Z", "2030-01-02T15:04:00Z"},
		{"20300102150405", "2030-01-02T15:04:05+02:00"},
		{"20300102150405z", "2030-01-02T15:04:05Z"},
		{"20280229", "2028-02-29T00:00:00+02:00"},
		{"19700101Z", "1970-01-01T00:00:00Z"},
	}
	for _, test := range tests {
		got, err := parseExpiry(test.text, local)
		if err != nil || got.Format(time.RFC3339) != test.want {
			t.Errorf("parseExpiry(%q) = %v, %v; want %s", test.text, got.Format(time.RFC3339), err, test.want)
		}
	}
}

// 00010101Z is Go's zero time, which stands for "never expires".
func TestParseExpiryRefuses(t *testing.T) {
	for _, text := range []string{
		"", "Z", "2030", "203001", "2030010", "2030010Z", "20300102Z Z", "20300102ZZ", "20301301", "20300230", "2030010224", "203001022460",
		"203001021504059", "2030-01-02", "20300102T1504", "+2030010", "2030 102", "00010101Z", "00000000", "19691231Z", "forever", "20300102UTC", "2030010215.5",
	} {
		if got, err := parseExpiry(text, time.UTC); err == nil {
			t.Errorf("parseExpiry(%q) = %v; want an error", text, got)
		}
	}
}
