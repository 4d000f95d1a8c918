package boot

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// network keeps every wired link up and addressed.
type network struct {
	file string // resolv.conf
	news func() // called when there may be new servers for the time, or a new address

	mu       sync.Mutex
	settings Settings
	links    map[int]*link
	claimed  *link     // the one that has the address of wiped.ip=
	begun    time.Time // so long cards have been looked for
}

func newNetwork(s Settings, news func()) *network {
	return &network{settings: s, file: "/etc/resolv.conf", news: news, links: map[int]*link{}, begun: time.Now()}
}

// run looks after the links until ctx ends. The kernel tells of cards and cables; should its news break off, they are
// asked for again.
func (n *network) run(ctx context.Context, wrong func(error)) {
	if lo, err := netlink.LinkByName("lo"); err == nil {
		if err := netlink.LinkSetUp(lo); err != nil {
			wrong(fmt.Errorf("start the loopback: %w", err))
		}
	}
	for ctx.Err() == nil {
		updates := make(chan netlink.LinkUpdate, 64)
		err := netlink.LinkSubscribeWithOptions(updates, ctx.Done(), netlink.LinkSubscribeOptions{ListExisting: true,
			ErrorCallback: func(error) {}})
		if err != nil {
			wrong(fmt.Errorf("listen for network cards: %w", err))
		}
		for u := range orNone(updates, err) {
			n.update(ctx, u, wrong)
		}
		sleep(ctx, time.Second)
	}
}

func orNone(updates chan netlink.LinkUpdate, err error) chan netlink.LinkUpdate {
	if err != nil {
		close(updates)
	}
	return updates
}

func (n *network) update(ctx context.Context, u netlink.LinkUpdate, wrong func(error)) {
	at := u.Link.Attrs()
	n.mu.Lock()
	l := n.links[at.Index]
	if u.Header.Type == unix.RTM_DELLINK {
		delete(n.links, at.Index)
		if n.claimed == l {
			n.claimed = nil
		}
		n.mu.Unlock()
		if l != nil {
			l.carrier(ctx, false)
		}
		return
	}
	if l == nil && wired(u.Link) {
		l = &link{net: n, name: at.Name, mac: at.HardwareAddr.String(), index: at.Index}
		n.links[at.Index] = l
	}
	n.mu.Unlock()
	if l == nil {
		return
	}
	if at.RawFlags&unix.IFF_UP == 0 {
		if err := netlink.LinkSetUp(u.Link); err != nil {
			wrong(fmt.Errorf("start the network card %s: %w", at.Name, err))
		}
	}
	l.carrier(ctx, at.RawFlags&unix.IFF_RUNNING != 0)
}

// wired tells whether a link is a card with a cable.
func wired(l netlink.Link) bool {
	dir := filepath.Join("/sys/class/net", l.Attrs().Name)
	is := func(name string) bool { _, err := os.Stat(filepath.Join(dir, name)); return err == nil }
	return l.Type() == "device" && l.Attrs().EncapType == "ether" && is("device") && !is("wireless") && !is("phy80211")
}

// reset takes settings that came later. Cards begin afresh if they are to have another address.
func (n *network) reset(ctx context.Context, s Settings) {
	n.mu.Lock()
	same := n.settings.address == s.address && n.settings.gateway == s.gateway && n.settings.card == s.card && slices.Equal(n.settings.dns, s.dns)
	n.settings = s
	if !same {
		n.claimed = nil
	}
	n.mu.Unlock()
	if same {
		return
	}
	for _, l := range n.all() {
		if l.plugged() {
			l.carrier(ctx, false)
			l.carrier(ctx, true)
		}
	}
}

func (n *network) set() Settings {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.settings
}

// claimFixed tells whether a link is the one for wiped.ip=: the one that is named there, else the one with a cable. Where
// there are several cards, those with a cable get a moment to find it.
func (n *network) claimFixed(ctx context.Context, l *link) bool {
	s := n.set()
	if !s.address.IsValid() {
		return false
	}
	if s.card == "" && len(n.all()) > 1 {
		sleep(ctx, cableWait-time.Since(n.begun))
	}
	all := n.all()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.claimed == nil && ctx.Err() == nil {
		n.claimed = chooseCard(s.card, all)
	}
	return n.claimed == l
}

// chooseCard finds the card by its name or address, else the lowest address among those with a cable: in which order the
// kernel finds cards may differ from boot to boot.
func chooseCard(card string, all []*link) (chosen *link) {
	for _, l := range all {
		switch {
		case card != "" && (l.name == card || l.mac == card):
			return l
		case card == "" && l.plugged() && (chosen == nil || l.mac < chosen.mac):
			chosen = l
		}
	}
	return chosen
}

// wrongCard says what is wrong with the card of wiped.ip=.
func (n *network) wrongCard() error {
	all, s := n.all(), n.set()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !s.address.IsValid() || time.Since(n.begun) < cableWait {
		return nil
	}
	var cards []string
	plugged := 0
	for _, l := range all {
		cards = append(cards, l.name+" ("+l.mac+")")
		if l.plugged() {
			plugged++
		}
	}
	switch list := strings.Join(cards, ", "); {
	case s.card != "" && chooseCard(s.card, all) == nil:
		return fmt.Errorf("wiped.ip= names the card %s, and there is none. Next: name one of %s", s.card, cmp.Or(list, "those that are there: none"))
	case s.card == "" && plugged > 1 && n.claimed != nil:
		return fmt.Errorf("wiped.ip= does not say on which card, so %s has it. Next: add a comma and one of %s", n.claimed.name, list)
	}
	return nil
}

// all returns the links in the order in which the kernel found them.
func (n *network) all() []*link {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []*link
	for _, l := range n.links {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b *link) int { return a.index - b.index })
	return out
}

// addressings are those of all links that have one.
func (n *network) addressings() (out []addressing) {
	for _, l := range n.all() {
		l.mu.Lock()
		if l.has.address.IsValid() {
			out = append(out, l.has)
		}
		l.mu.Unlock()
	}
	return out
}

// changed writes resolv.conf afresh and passes the news on.
func (n *network) changed() {
	_ = os.WriteFile(n.file, []byte(resolvConf(n.set().dns, n.addressings())), 0o644) // names are for the time and keys_url only, which say it
	n.news()
}

// resolvConf is made of what was set and of what all servers say.
func resolvConf(set []netip.Addr, from []addressing) string {
	var b strings.Builder
	var search []string
	servers := slices.Clone(set)
	for _, a := range from {
		for _, s := range a.dns {
			if !slices.Contains(servers, s) {
				servers = append(servers, s)
			}
		}
		if a.search != "" && !slices.Contains(search, a.search) {
			search = append(search, a.search)
		}
	}
	if len(search) > 0 {
		b.WriteString("search " + strings.Join(search, " ") + "\n")
	}
	for _, s := range servers {
		b.WriteString("nameserver " + s.String() + "\n")
	}
	return b.String()
}

// status is what the console shows of all links.
func (n *network) status() (out []linkStatus) {
	for _, l := range n.all() {
		l.mu.Lock()
		out = append(out, linkStatus{name: l.name, mac: l.mac, text: l.text + l.also, addresses: addressesOf(l.index)})
		l.mu.Unlock()
	}
	return out
}

// addressesOf are the addresses that clients can use: those that the kernel still checks are not among them.
func addressesOf(index int) (out []netip.Prefix) {
	card, err := netlink.LinkByIndex(index)
	if err != nil {
		return nil
	}
	list, _ := netlink.AddrList(card, netlink.FAMILY_ALL)
	for _, a := range list {
		ip, ok := netip.AddrFromSlice(a.IP)
		bits, _ := a.Mask.Size()
		if ok && a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) == 0 {
			out = append(out, netip.PrefixFrom(ip.Unmap(), bits))
		}
	}
	return out
}

// waiting tells whether there is something to wait for: a cable is plugged in, and there is no address yet.
func (n *network) waiting() bool {
	return len(n.addressings()) == 0 && slices.ContainsFunc(n.all(), (*link).plugged)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
