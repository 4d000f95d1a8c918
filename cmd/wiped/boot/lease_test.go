package boot

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

func ack(t *testing.T, yours string, options ...dhcpv4.Option) *dhcpv4.DHCPv4 {
	t.Helper()
	m, err := dhcpv4.New(dhcpv4.WithYourIP(net.ParseIP(yours)), dhcpv4.WithMessageType(dhcpv4.MessageTypeOffer))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range append([]dhcpv4.Option{dhcpv4.OptServerIdentifier(net.IPv4(192, 0, 2, 1)), dhcpv4.OptSubnetMask(net.CIDRMask(24, 32))}, options...) {
		m.UpdateOption(o)
	}
	return m
}

func ips(texts ...string) (out []net.IP) {
	for _, text := range texts {
		out = append(out, net.ParseIP(text))
	}
	return out
}

func TestFromLease(t *testing.T) {
	_, far, _ := net.ParseCIDR("198.51.100.0/24")
	_, all, _ := net.ParseCIDR("0.0.0.0/0")
	m := ack(t, "192.0.2.15", dhcpv4.OptRouter(ips("192.0.2.9")...), dhcpv4.OptDNS(ips("192.0.2.3", "0.0.0.0")...), dhcpv4.OptNTPServers(ips("192.0.2.4")...),
		dhcpv4.OptHostName("bench-1"), dhcpv4.OptDomainName("x\ny"), dhcpv4.OptIPAddressLeaseTime(1000*time.Second),
		dhcpv4.OptGeneric(dhcpv4.OptionInterfaceMTU, []byte{5, 0xdc}))
	a, err := fromLease(m)
	got := fmt.Sprintln(a.address, a.routes, a.dns, a.ntp, a.hostname, a.search, a.mtu, a.lifetime, a.renew, a.rebind, err)
	if want := "192.0.2.15/24 [0.0.0.0/0 via 192.0.2.9] [192.0.2.3] [192.0.2.4] bench-1  1500 16m40s 8m20s 14m35s <nil>\n"; got != want {
		t.Errorf("fromLease = %swant %s", got, want)
	}
	classless := ack(t, "192.0.2.15", dhcpv4.OptRouter(ips("192.0.2.9")...), dhcpv4.OptClasslessStaticRoute(
		&dhcpv4.Route{Dest: far, Router: net.IPv4zero}, &dhcpv4.Route{Dest: all, Router: net.IPv4(203, 0, 113, 1)}))
	if a, err = fromLease(classless); fmt.Sprint(a.routes) != "[198.51.100.0/24 203.0.113.1/32 0.0.0.0/0 via 203.0.113.1]" {
		t.Errorf("classless routes = %v, %v", a.routes, err)
	}
}

func TestGoodOffer(t *testing.T) {
	tests := []struct {
		name  string
		offer *dhcpv4.DHCPv4
		want  bool
	}{
		{"plain", ack(t, "192.0.2.15"), true},
		{"without an address", ack(t, "0.0.0.0"), false},
		{"a group address", ack(t, "224.0.0.1"), false},
		{"an odd mask", ack(t, "192.0.2.15", dhcpv4.OptSubnetMask(net.IPMask{255, 0, 255, 0})), false},
		{"without a server", ack(t, "192.0.2.15", dhcpv4.OptGeneric(dhcpv4.OptionServerIdentifier, nil)), false},
		{"a refusal", ack(t, "192.0.2.15", dhcpv4.OptMessageType(dhcpv4.MessageTypeNak)), false},
	}
	for _, test := range tests {
		if got := goodOffer(test.offer); got != test.want {
			t.Errorf("%s: goodOffer = %v; want %v", test.name, got, test.want)
		}
	}
}

func TestLeasePhases(t *testing.T) {
	a := addressing{lifetime: 800 * time.Second, renew: 400 * time.Second, rebind: 700 * time.Second}
	tests := []struct {
		age   time.Duration
		phase phase
		next  time.Duration
	}{
		{0, holding, 400 * time.Second}, {400 * time.Second, renewing, 150 * time.Second}, {690 * time.Second, renewing, 10 * time.Second},
		{695 * time.Second, renewing, 5 * time.Second}, {700 * time.Second, rebinding, 50 * time.Second}, {800 * time.Second, expired, 0},
	}
	for _, test := range tests {
		if phase, next := a.at(test.age); phase != test.phase || next != test.next {
			t.Errorf("at(%s) = %d, %s; want %d, %s", test.age, phase, next, test.phase, test.next)
		}
	}
	if phase, _ := (addressing{}).at(1e6 * time.Hour); phase != holding {
		t.Error("a lease for ever ran out")
	}
}

func TestLeaseTimes(t *testing.T) {
	for _, test := range []struct {
		lease, renew time.Duration
		want         string
	}{
		{time.Second, 0, "1m0s 30s 52.5s"}, {1000 * time.Second, 5000 * time.Second, "16m40s 8m20s 14m35s"},
		{0xffffffff * time.Second, 0, "0s 0s 0s"}, {1000 * time.Second, 100 * time.Second, "16m40s 1m40s 14m35s"},
	} {
		m := ack(t, "192.0.2.15", dhcpv4.OptIPAddressLeaseTime(test.lease))
		if test.renew != 0 {
			m.UpdateOption(dhcpv4.OptRenewTimeValue(test.renew))
		}
		a, err := fromLease(m)
		if got := fmt.Sprint(a.lifetime, a.renew, a.rebind); got != test.want || err != nil {
			t.Errorf("a lease of %s: %s, %v; want %s", test.lease, got, err, test.want)
		}
	}
}

func TestFixed(t *testing.T) {
	var s Settings
	for value, want := range map[string]string{
		"192.0.2.7/24,192.0.2.1": "[0.0.0.0/0 via 192.0.2.1]", "192.0.2.7/24": "[]",
		"192.0.2.7/32,192.0.2.1": "[192.0.2.1/32 0.0.0.0/0 via 192.0.2.1]", "2001:db8::7/64,2001:db8::1": "[::/0 via 2001:db8::1]",
	} {
		if err := s.set("ip", value); err != nil {
			t.Fatal(err)
		}
		if a := fixed(s); fmt.Sprint(a.routes) != want || a.address != s.address {
			t.Errorf("fixed(%s) = %v %v; want %s", value, a.address, a.routes, want)
		}
	}
}

func TestResolvConf(t *testing.T) {
	server := func(text string) netip.Addr { return netip.MustParseAddr(text) }
	got := resolvConf([]netip.Addr{server("2001:db8::1")}, []addressing{
		{dns: []netip.Addr{server("192.0.2.1")}, search: "a.example"}, {dns: []netip.Addr{server("192.0.2.1"), server("192.0.2.2")}, search: "a.example"}})
	if want := "search a.example\nnameserver 2001:db8::1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n"; got != want {
		t.Errorf("resolvConf = %q; want %q", got, want)
	}
}

func TestTimeServers(t *testing.T) {
	from := []addressing{{ntp: []netip.Addr{netip.MustParseAddr("192.0.2.4")}}, {ntp: []netip.Addr{netip.MustParseAddr("192.0.2.4")}}}
	if got := fmt.Sprint(timeServers("", from), timeServers("mine", from)); got != "[192.0.2.4 pool.ntp.org] [mine]" {
		t.Errorf("timeServers = %s", got)
	}
}

func FuzzLease(f *testing.F) {
	m, _ := dhcpv4.New(dhcpv4.WithYourIP(net.IPv4(192, 0, 2, 15)))
	m.UpdateOption(dhcpv4.OptServerIdentifier(net.IPv4(192, 0, 2, 1)))
	m.UpdateOption(dhcpv4.OptHostName("h"))
	f.Add(m.ToBytes())
	f.Fuzz(func(t *testing.T, packet []byte) {
		m, err := dhcpv4.FromBytes(packet)
		if err != nil {
			return
		}
		a, err := fromLease(m)
		if err != nil {
			return
		}
		if !a.address.IsValid() || (a.lifetime != 0 && (a.renew <= 0 || a.renew >= a.rebind || a.rebind >= a.lifetime)) {
			t.Errorf("fromLease = %+v", a)
		}
		for _, r := range a.routes {
			kernelRoute(1, r)
		}
		harmless(t, resolvConf(nil, []addressing{a}))
		completed(m, m)
	})
}
