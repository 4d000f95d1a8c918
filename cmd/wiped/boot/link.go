package boot

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
)

// link is one wired network card.
type link struct {
	net   *network
	name  string
	mac   string
	index int

	mu   sync.Mutex
	text string // what it is doing, for the console
	has  addressing
	also string             // the other DHCP servers that answered
	plug context.CancelFunc // ends what runs while there is a carrier; nil: there is none
}

// say changes what the console shows of the link.
func (l *link) say(format string, args ...any) {
	l.mu.Lock()
	l.text = fmt.Sprintf(format, args...)
	l.mu.Unlock()
}

// carrier starts work when a cable is plugged in, and ends it when it is pulled. Addresses stay meanwhile: sessions
// survive a moment without a cable.
func (l *link) carrier(ctx context.Context, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case on && l.plug == nil:
		ctx, l.plug = context.WithCancel(ctx)
		go l.run(ctx)
	case !on && l.plug != nil:
		l.plug()
		l.plug = nil
		l.text = "no cable"
	case !on && l.text == "":
		l.text = "no cable"
	}
}

func (l *link) plugged() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.plug != nil
}

// run keeps the link addressed until the cable is pulled.
func (l *link) run(ctx context.Context) {
	if l.net.claimFixed(ctx, l) {
		l.say("%s", l.set(fixed(l.net.set()), "wiped.ip"))
		return
	}
	l.say("DHCP: asking")
	for pause := time.Second; ctx.Err() == nil; pause = min(2*pause, time.Minute) {
		got, err := acquire(ctx, l.name, l.others)
		if err == nil {
			pause = time.Second
			l.hold(ctx, got)
			continue
		}
		if ctx.Err() == nil {
			l.say("no address by DHCP (%s); still asking. Next: look at the DHCP server or the cable, or start with wiped.ip=ADDRESS/PREFIX,GATEWAY", whyNoLease(err))
			sleep(ctx, pause)
		}
	}
}

// hold uses a lease and renews it for as long as that is possible.
func (l *link) hold(ctx context.Context, have *lease) {
	l.say("%s", l.set(have.addressing, l.by(have)))
	for ctx.Err() == nil {
		phase, next := have.at(time.Since(have.got))
		if phase == expired {
			l.clear("the DHCP lease ran out")
			return
		}
		if phase != holding {
			renewed, err := have.again(ctx, l.name, phase)
			if errors.Is(err, errRefused) {
				l.clear(err.Error())
				return
			}
			if err == nil {
				have = renewed
				l.say("%s", l.set(have.addressing, l.by(have)))
				continue
			}
		}
		sleep(ctx, next)
	}
}

func (l *link) by(have *lease) string { return fmt.Sprintf("DHCP from %s", have.server) }

// others takes note of the servers that offered an address, besides the one whose offer was taken.
func (l *link) others(taken netip.Addr, all []netip.Addr) {
	var other []string
	for _, server := range all {
		if server != taken {
			other = append(other, server.String())
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.also = ""
	if other != nil {
		l.also = fmt.Sprintf(". SEVERAL DHCP SERVERS: %s, which was taken, and %s. Next: switch one off, or start with wiped.ip=ADDRESS/PREFIX,GATEWAY",
			taken, strings.Join(other, ", "))
	}
}

// set gives the link its addressing in place of what it had, and returns what to say of that.
func (l *link) set(a addressing, how string) string {
	l.mu.Lock()
	had := l.has
	l.has = a
	l.mu.Unlock()
	if had.address.IsValid() && had.address != a.address {
		_ = removeAddress(l.index, had.address)
	}
	err := apply(l.index, a)
	l.net.changed()
	if err != nil {
		return fmt.Sprintf("%s by %s, but: %v", a.address, how, err)
	}
	return fmt.Sprintf("%s by %s", a.address, how)
}

func (l *link) clear(why string) {
	l.mu.Lock()
	had := l.has
	l.has, l.also = addressing{}, ""
	l.mu.Unlock()
	_ = removeAddress(l.index, had.address)
	l.say("%s", why)
	l.net.changed()
}

// apply makes the kernel's addresses and routes those of a. A route that it refuses does not keep the others away.
func apply(index int, a addressing) (err error) {
	card, err := netlink.LinkByIndex(index)
	if err != nil {
		return fmt.Errorf("set address: %w", err)
	}
	if a.mtu != 0 && a.mtu < card.Attrs().MTU {
		_ = netlink.LinkSetMTU(card, a.mtu) // a hint; without it things are slow at worst
	}
	lifetime := int(a.lifetime / time.Second)
	if err := netlink.AddrReplace(card, &netlink.Addr{IPNet: ipNet(a.address), ValidLft: lifetime, PreferedLft: lifetime}); err != nil {
		return fmt.Errorf("set address: %w", err)
	}
	for _, r := range a.routes {
		if e := netlink.RouteReplace(kernelRoute(index, r)); e != nil {
			err = errors.Join(err, fmt.Errorf("set route to %s: %w", r, e))
		}
	}
	return err
}

// kernelRoute prefers the card that the kernel found first, where several lead to the same place.
func kernelRoute(index int, r route) *netlink.Route {
	out := &netlink.Route{LinkIndex: index, Dst: ipNet(r.to), Priority: 100 + index, Scope: netlink.SCOPE_LINK}
	if r.via.IsValid() {
		out.Gw, out.Scope = r.via.AsSlice(), netlink.SCOPE_UNIVERSE
	}
	return out
}

func removeAddress(index int, p netip.Prefix) error {
	if !p.IsValid() {
		return nil
	}
	card, err := netlink.LinkByIndex(index)
	if err != nil {
		return err
	}
	return netlink.AddrDel(card, &netlink.Addr{IPNet: ipNet(p)})
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
