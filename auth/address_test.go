package auth

import (
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

func TestAddressList(t *testing.T) {
	tests := []struct {
		list, address string
		want          bool
	}{
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.70", false},
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "192.0.2.7", false},
		{"10.*", "10.1.2.3", true},
		{"10.*", "110.1.2.3", false},
		{"10.0.0.?", "10.0.0.9", true},
		{"10.0.0.?", "10.0.0.10", false},
		{"*", "10.0.0.10", true},
		{"*", "2001:db8::1", true},
		{"10.0.0.0/8,!10.0.0.5", "10.0.0.5", false},
		{"!10.0.0.5,10.0.0.0/8", "10.0.0.5", false},
		{"!10.0.0.5,10.0.0.0/8", "10.0.0.6", true},
		{"!10.0.0.*,*", "10.0.0.6", false},
		{"!10.0.0.0/24,*", "10.0.0.6", false},
		{"10.0.0.1,10.0.0.2,10.0.0.3", "10.0.0.3", true},
		{"2001:db8::/32", "2001:db8:1::5", true},
		{"2001:DB8:0:0::5", "2001:db8::5", true},
		{"2001:DB8:*", "2001:db8::5", true},
		{"192.0.2.7", "::ffff:192.0.2.7", true},
		{"192.0.2.*", "::ffff:192.0.2.7", true},
		{"::ffff:192.0.2.7", "192.0.2.7", true},
		{"::ffff:192.0.2.0/120", "192.0.2.7", true},
		{"!::ffff:192.0.2.7,*", "192.0.2.7", false},
		{"fe80::1", "fe80::1%eth0", true},
	}
	for _, test := range tests {
		list, err := parseAddressList(test.list)
		if err != nil {
			t.Errorf("parseAddressList(%q) = %v; want a list", test.list, err)
			continue
		}
		if got := list.contains(netip.MustParseAddr(test.address)); got != test.want {
			t.Errorf("%q contains %s = %t; want %t", test.list, test.address, got, test.want)
		}
		if list.contains(netip.Addr{}) {
			t.Errorf("%q contains the invalid address; want not", test.list)
		}
	}
}

func TestAddressListRefuses(t *testing.T) {
	for _, text := range []string{
		"", ",", "10.0.0.1,", ",10.0.0.1", "!", "!10.0.0.1", "!10.0.0.1,!10.0.0.2", "10.0.0.1, 10.0.0.2", "!!10.0.0.1,*",
		"bench.example.com", "*.example.com", "!bad.example.com,*", "10.0.0.300", "!10.0.0.300,*", "10.0.0.1/33", "10.0.0.1/8",
		"10.0.0.0/-1", "fe80::1%eth0", "fe80::%eth0/64", "::ffff:0.0.0.0/90", "10.0.0.0/8/8", "10.*/8", "10.0.0.1\x00", "2001:db8::g",
	} {
		list, err := parseAddressList(text)
		if err == nil {
			t.Errorf("parseAddressList(%q) = %v; want an error", text, list)
		} else if !plain(err.Error()) {
			t.Errorf("parseAddressList(%q) = %q; want a clean message", text, err)
		}
	}
}

func TestAddressOf(t *testing.T) {
	tests := []struct {
		address net.Addr
		want    netip.Addr
	}{
		{&net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 1}, netip.MustParseAddr("192.0.2.7")},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0"}, netip.MustParseAddr("fe80::1")},
		{&net.TCPAddr{}, netip.Addr{}},
		{(*net.TCPAddr)(nil), netip.Addr{}},
		{&net.UnixAddr{Name: "10.0.0.1:22"}, netip.Addr{}},
		{nil, netip.Addr{}},
	}
	for _, test := range tests {
		if got := addressOf(test.address); got != test.want {
			t.Errorf("addressOf(%v) = %v; want %v", test.address, got, test.want)
		}
	}
}

func TestCheckSourceAddress(t *testing.T) {
	address := netip.MustParseAddr("192.0.2.7")
	for list, want := range map[string]bool{
		"192.0.2.7": true, "192.0.2.0/24": true, "10.0.0.0/8,192.0.2.7": true, "::ffff:192.0.2.7": true,
		"": false, "192.0.2.8": false, "192.0.2.*": false, "*": false, "!10.0.0.1": false, "192.0.2.7,nonsense": false, "192.0.2.7, 10.0.0.1": false,
	} {
		if err := checkSourceAddress(list, address); (err == nil) != want {
			t.Errorf("checkSourceAddress(%q, %s) = %v; want allowed %t", list, address, err, want)
		}
	}
	if err := checkSourceAddress("::/0,0.0.0.0/0", netip.Addr{}); err == nil {
		t.Error("checkSourceAddress(everything, no address) = nil; want an error")
	}
}

func FuzzMatchWildcard(f *testing.F) {
	f.Add("10.0.0.1", "10.*")
	f.Add("aaaaaaaaab", "*a*a*a*b")
	f.Add("", "**")
	f.Add("10.0.0.1", "1?.*.?")
	f.Fuzz(func(t *testing.T, text, pattern string) {
		if len(text) > 60 || len(pattern) > 30 {
			return
		}
		// The oracle: the same pattern as a regular expression over bytes, each written as one Latin-1 letter.
		latin := func(s string) string {
			runes := make([]rune, len(s))
			for i := range len(s) {
				runes[i] = rune(s[i])
			}
			return string(runes)
		}
		expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(latin(pattern)))
		if strings.Contains(pattern, `\`) {
			return // QuoteMeta's own backslashes could not be told from these
		}
		want := regexp.MustCompile(`(?s)^` + expression + `$`).MatchString(latin(text))
		if got := matchWildcard(text, pattern); got != want {
			t.Errorf("matchWildcard(%q, %q) = %t; want %t", text, pattern, got, want)
		}
	})
}

func FuzzAddressList(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/8,!10.1.*", "*", "!10.0.0.1,*", "2001:db8::/32,10.?.0.1", "::ffff:10.0.0.0/104"} {
		f.Add(seed, "10.1.2.3")
	}
	f.Fuzz(func(t *testing.T, text, peer string) {
		address, err := netip.ParseAddr(peer)
		if err != nil {
			return
		}
		list, err := parseAddressList(text)
		if err != nil {
			return
		}
		got := list.contains(address)
		denied, err := parseAddressList("!" + address.Unmap().WithZone("").String() + "," + text)
		if err != nil || denied.contains(address) {
			t.Errorf("%q with !%s before it lets that in (%v); want a negated match to win", text, address, err)
		}
		if again := list.contains(netip.AddrFrom16(address.As16())); got != again {
			t.Errorf("%q contains %s = %t, as IPv6 %t; want them alike", text, address, got, again)
		}
	})
}
