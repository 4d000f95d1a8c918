package boot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// addressing is what a link is to have.
type addressing struct {
	address  netip.Prefix
	routes   []route
	dns, ntp []netip.Addr
	search   string
	hostname string
	mtu      int
	server   netip.Addr
	lifetime time.Duration // 0: for ever
	renew    time.Duration // after this it is asked for again, by the server that gave it
	rebind   time.Duration // after this by any server
}

// route is one route; without via it leads to a network on the link itself.
type route struct {
	to  netip.Prefix
	via netip.Addr
}

func (r route) String() string {
	if !r.via.IsValid() {
		return r.to.String()
	}
	return r.to.String() + " via " + r.via.String()
}

// goodOffer tells whether an offer can be used: some devices that should be silent offer nonsense, and the first good
// one counts.
func goodOffer(m *dhcpv4.DHCPv4) bool {
	_, err := fromLease(m)
	return err == nil && m.MessageType() == dhcpv4.MessageTypeOffer
}

var defaultRoute = netip.PrefixFrom(netip.IPv4Unspecified(), 0)

// shortest is the shortest lease that is kept to: shorter ones would only make traffic.
const shortest = time.Minute

// fromLease reads what a DHCP server says.
func fromLease(m *dhcpv4.DHCPv4) (a addressing, err error) {
	address, ok := addr(m.YourIPAddr)
	bits, size := m.SubnetMask().Size()
	if !ok || !usable(address) {
		return a, fmt.Errorf("the offered address %v is none for a machine", m.YourIPAddr)
	}
	if m.SubnetMask() == nil {
		bits, size = 24, 32 // old servers leave it out
	}
	if size != 32 || bits == 0 {
		return a, errors.New("the offered network mask is none")
	}
	a.address = netip.PrefixFrom(address, bits)
	if a.server, ok = addr(m.ServerIdentifier()); !ok {
		return a, errors.New("the server does not say who it is")
	}
	a.routes = leaseRoutes(a.address, m)
	a.dns, a.ntp = addrs(m.DNS()), addrs(m.NTPServers())
	if checkHostname(m.HostName()) == nil {
		a.hostname = m.HostName()
	}
	if checkHostname(m.DomainName()) == nil {
		a.search = m.DomainName()
	}
	if mtu := m.Options.Get(dhcpv4.OptionInterfaceMTU); len(mtu) == 2 && binary.BigEndian.Uint16(mtu) >= 576 {
		a.mtu = int(binary.BigEndian.Uint16(mtu))
	}
	a.times(m)
	return a, nil
}

// times takes the lease's times, with the defaults of RFC 2131.
func (a *addressing) times(m *dhcpv4.DHCPv4) {
	seconds := m.IPAddressLeaseTime(time.Hour)
	if seconds >= 0xffffffff*time.Second {
		return
	}
	a.lifetime = max(seconds, shortest)
	a.renew, a.rebind = m.IPAddressRenewalTime(a.lifetime/2), m.IPAddressRebindingTime(a.lifetime*7/8)
	if a.renew <= 0 || a.renew >= a.rebind || a.rebind >= a.lifetime {
		a.renew, a.rebind = a.lifetime/2, a.lifetime*7/8
	}
}

// leaseRoutes are the classless ones if there are any, else the router's (RFC 3442). A router outside of our network
// gets a route on the link first.
func leaseRoutes(own netip.Prefix, m *dhcpv4.DHCPv4) (out []route) {
	add := func(to netip.Prefix, via netip.Addr) {
		if via.IsValid() && !via.IsUnspecified() && !own.Contains(via) {
			out = append(out, route{to: netip.PrefixFrom(via, 32)})
		}
		if via.IsUnspecified() {
			via = netip.Addr{}
		}
		out = append(out, route{to: to, via: via})
	}
	if classless := m.ClasslessStaticRoute(); len(classless) > 0 {
		for _, r := range classless {
			to, ok1 := prefix(r.Dest)
			via, ok2 := addr(r.Router)
			if ok1 && ok2 {
				add(to, via)
			}
		}
		return out
	}
	if routers := addrs(m.Router()); len(routers) > 0 {
		add(defaultRoute, routers[0])
	}
	return out
}

func usable(a netip.Addr) bool {
	return a.Is4() && !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func addr(ip net.IP) (netip.Addr, bool) {
	a, ok := netip.AddrFromSlice(ip)
	return a.Unmap(), ok && a.Unmap().Is4()
}

func addrs(ips []net.IP) (out []netip.Addr) {
	for _, ip := range ips {
		if a, ok := addr(ip); ok && !a.IsUnspecified() {
			out = append(out, a)
		}
	}
	return out
}

func prefix(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	a, ok := addr(n.IP)
	bits, size := n.Mask.Size()
	return netip.PrefixFrom(a, bits).Masked(), ok && size == 32
}

// fixed is the addressing of wiped.ip=.
func fixed(s Settings) addressing {
	a := addressing{address: s.address, dns: s.dns}
	if s.gateway.IsValid() {
		everywhere := netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		if s.gateway.Is4() {
			everywhere = defaultRoute
		}
		if !s.address.Contains(s.gateway) {
			a.routes = append(a.routes, route{to: netip.PrefixFrom(s.gateway, s.gateway.BitLen())})
		}
		a.routes = append(a.routes, route{to: everywhere, via: s.gateway})
	}
	return a
}

// phase is what is to be done about a lease of a certain age.
type phase int

const (
	holding phase = iota
	renewing
	rebinding
	expired
)

// at tells the phase of a lease of a given age, and after how long to look again or to ask again.
func (a addressing) at(age time.Duration) (phase, time.Duration) {
	again := func(end time.Duration) time.Duration { return min(max((end-age)/2, 10*time.Second), end-age) }
	switch {
	case a.lifetime == 0:
		return holding, 24 * time.Hour
	case age < a.renew:
		return holding, a.renew - age
	case age < a.rebind:
		return renewing, again(a.rebind)
	case age < a.lifetime:
		return rebinding, again(a.lifetime)
	}
	return expired, 0
}
