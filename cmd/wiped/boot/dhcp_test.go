package boot

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// cable makes two network namespaces, joined by a cable: this goroutine's, with the end "near", and one in which serve is
// called, with the end "far". Both vanish with their threads.
func cable(t *testing.T, serve func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	runtime.LockOSThread() // and never unlocked: the thread is of no use to others
	check(t, unix.Unshare(unix.CLONE_NEWNET))
	other := make(chan int)
	joined, ready := make(chan bool), make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Error(err)
		}
		other <- unix.Gettid()
		<-joined
		ready <- errors.Join(raise("lo", ""), raise("far", "192.0.2.1/24"))
		serve()
		ready <- nil
		<-joined
	}()
	tid := <-other
	t.Cleanup(func() { close(joined) })
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "near"}, PeerName: "far", PeerNamespace: netlink.NsPid(tid)}
	check(t, netlink.LinkAdd(pair))
	check(t, errors.Join(raise("lo", ""), raise("near", "")))
	joined <- true
	check(t, <-ready)
	check(t, <-ready)
}

func raise(name, address string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if address != "" {
		if err := netlink.AddrReplace(l, &netlink.Addr{IPNet: ipNet(netip.MustParsePrefix(address))}); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(l)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// server is a DHCP server that first makes an offer of no use, as a device might that should be silent, and at last one of
// another server.
type server struct {
	mu     sync.Mutex
	heard  []string // message type and who was asked: all, or one
	refuse bool
}

func (s *server) answer(conn net.PacketConn, peer net.Addr, m *dhcpv4.DHCPv4) {
	s.mu.Lock()
	defer s.mu.Unlock()
	way := "all"
	if !peer.(*net.UDPAddr).IP.Equal(net.IPv4bcast) {
		way = "one"
	}
	s.heard = append(s.heard, m.MessageType().String()+" "+way)
	kind, yours := dhcpv4.MessageTypeAck, []net.IP{net.IPv4(192, 0, 2, 15)}
	switch {
	case m.MessageType() == dhcpv4.MessageTypeDiscover:
		kind, yours = dhcpv4.MessageTypeOffer, []net.IP{net.IPv4zero, net.IPv4(192, 0, 2, 15)}
	case s.refuse:
		kind = dhcpv4.MessageTypeNak
	}
	if kind == dhcpv4.MessageTypeOffer {
		yours = append(yours, net.IPv4(192, 0, 2, 16))
	}
	for n, ip := range yours {
		who := net.IPv4(192, 0, 2, 1)
		if n == 2 {
			who = net.IPv4(192, 0, 2, 2)
		}
		reply, err := dhcpv4.NewReplyFromRequest(m, dhcpv4.WithYourIP(ip), dhcpv4.WithMessageType(kind), dhcpv4.WithNetmask(net.CIDRMask(24, 32)),
			dhcpv4.WithOption(dhcpv4.OptServerIdentifier(who)), dhcpv4.WithRouter(net.IPv4(192, 0, 2, 1)),
			dhcpv4.WithOption(dhcpv4.OptHostName("bench-1")))
		if err == nil {
			_, _ = conn.WriteTo(reply.ToBytes(), peer)
		}
	}
}

// TestLeaseForReal gets a lease from a real server over a real cable, sets it, renews it both ways, and loses it.
func TestLeaseForReal(t *testing.T) {
	s := &server{}
	cable(t, func() {
		listener, err := server4.NewServer("far", &net.UDPAddr{Port: 67}, s.answer)
		if err != nil {
			t.Error(err)
			return
		}
		go func() { _ = listener.Serve() }()
		t.Cleanup(func() { listener.Close() })
	})
	ctx := context.Background()
	l, told := &link{}, make(chan bool)
	have, err := acquire(ctx, "near", func(taken netip.Addr, all []netip.Addr) {
		l.others(taken, all)
		close(told)
	})
	check(t, err)
	if have.address != netip.MustParsePrefix("192.0.2.15/24") || have.hostname != "bench-1" {
		t.Fatalf("acquire = %+v", have.addressing)
	}
	near, err := netlink.LinkByName("near")
	check(t, err)
	index := near.Attrs().Index
	check(t, apply(index, have.addressing))
	check(t, apply(index, have.addressing)) // as each renewal does
	if got := addressesOf(index); !slices.Contains(got, have.address) {
		t.Errorf("addresses %v; want %s", got, have.address)
	}
	routes, err := netlink.RouteGet(net.IPv4(198, 51, 100, 1))
	if err != nil || len(routes) != 1 || !routes[0].Gw.Equal(net.IPv4(192, 0, 2, 1)) {
		t.Errorf("route = %v, %v; want one by 192.0.2.1", routes, err)
	}
	for _, phase := range []phase{renewing, rebinding} {
		have, err = have.again(ctx, "near", phase)
		check(t, err)
	}
	s.mu.Lock()
	s.refuse = true
	if want := []string{"DISCOVER all", "REQUEST all", "REQUEST one", "REQUEST all"}; !slices.Equal(s.heard, want) {
		t.Errorf("the server heard %v; want %v", s.heard, want)
	}
	s.mu.Unlock()
	if _, err := have.again(ctx, "near", renewing); !errors.Is(err, errRefused) {
		t.Errorf("again, refused = %v; want errRefused", err)
	}
	<-told
	if want := ". SEVERAL DHCP SERVERS: 192.0.2.1, which was taken, and 192.0.2.2. Next: "; !strings.HasPrefix(l.also, want) {
		t.Errorf("other servers: %q; want %q", l.also, want)
	}
	if l.others(have.server, []netip.Addr{have.server}); l.also != "" {
		t.Errorf("one server alone: %q", l.also)
	}
	check(t, removeAddress(index, have.address))
	if got := addressesOf(index); slices.Contains(got, have.address) {
		t.Errorf("addresses %v; want none", got)
	}
}
