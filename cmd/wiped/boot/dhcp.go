package boot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
)

// lease is what a server gave, and when by the clock that nobody sets.
type lease struct {
	offer, ack *dhcpv4.DHCPv4
	addressing
	got time.Time
}

// asked are the options that we understand.
var asked = dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionHostName,
	dhcpv4.OptionDomainName, dhcpv4.OptionInterfaceMTU, dhcpv4.OptionNTPServers, dhcpv4.OptionClasslessStaticRoute,
	dhcpv4.OptionRenewTimeValue, dhcpv4.OptionRebindingTimeValue)

// offerTime is how long other servers may take to offer something, too.
const offerTime = 2 * time.Second

// offers are those of one round.
type offers struct {
	mu    sync.Mutex
	from  []netip.Addr
	first chan *dhcpv4.DHCPv4
}

// match takes note of every good offer and is content with none, so that it hears of all.
func (o *offers) match(m *dhcpv4.DHCPv4) bool {
	server, ok := addr(m.ServerIdentifier())
	if !ok || !goodOffer(m) {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Contains(o.from, server) {
		o.from = append(o.from, server)
	}
	select {
	case o.first <- m:
	default:
	}
	return false
}

func (o *offers) servers() []netip.Addr {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.from)
}

var askOptions = []nclient4.ClientOpt{nclient4.WithTimeout(3 * time.Second), nclient4.WithRetry(2)}

// acquire gets a lease from the first server with a good offer. Who else offered something it hands to others, a moment
// later and from another goroutine, so that nobody waits for it.
func acquire(ctx context.Context, link string, others func(taken netip.Addr, all []netip.Addr)) (*lease, error) {
	o := &offers{first: make(chan *dhcpv4.DHCPv4, 1)}
	offer, err := o.discover(ctx, link, others)
	if err != nil {
		return nil, fmt.Errorf("ask for an address: %w", err)
	}
	client, err := nclient4.New(link, askOptions...)
	if err != nil {
		return nil, fmt.Errorf("take the offered address: %w", err)
	}
	defer client.Close()
	got := time.Now()
	given, err := client.RequestFromOffer(ctx, offer, asked)
	if err != nil {
		return nil, fmt.Errorf("take the offered address: %w", err)
	}
	return newLease(given.Offer, given.ACK, got)
}

// discover asks all servers and returns the first good offer. It listens on for offerTime.
func (o *offers) discover(ctx context.Context, link string, others func(taken netip.Addr, all []netip.Addr)) (*dhcpv4.DHCPv4, error) {
	client, err := nclient4.New(link, askOptions...)
	if err != nil {
		return nil, err
	}
	question, err := dhcpv4.NewDiscovery(client.InterfaceAddr(), asked, dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(nclient4.MaxMessageSize)))
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	failed := make(chan error, 1)
	go func() {
		defer client.Close()
		defer stop()
		_, err := client.SendAndRead(ctx, client.RemoteAddr(), question, o.match)
		failed <- err
	}()
	select {
	case offer := <-o.first:
		taken, _ := addr(offer.ServerIdentifier())
		time.AfterFunc(offerTime, func() { stop(); others(taken, o.servers()) })
		return offer, nil
	case err := <-failed:
		return nil, err
	}
}

func newLease(offer, ack *dhcpv4.DHCPv4, got time.Time) (*lease, error) {
	a, err := fromLease(ack)
	return &lease{offer, ack, a, got}, err
}

// whyNoLease is short where the library's words say nothing more.
func whyNoLease(err error) string {
	var refused *nclient4.ErrNak
	switch {
	case errors.As(err, &refused):
		return "the server refuses"
	case errors.Is(err, nclient4.ErrNoResponse):
		return "no good answer"
	}
	return oneLine(err)
}

// errRefused is a server that takes the address back: it must not be used a moment longer.
var errRefused = errors.New("the DHCP server takes the address back")

// again asks for the same address: the server that gave it, or by broadcast any.
func (l *lease) again(ctx context.Context, link string, ph phase) (*lease, error) {
	own := &net.UDPAddr{IP: l.address.Addr().AsSlice(), Port: nclient4.ClientPort}
	server := &net.UDPAddr{IP: l.server.AsSlice(), Port: nclient4.ServerPort}
	options := slices.Clone(askOptions)
	answers := nclient4.IsMessageType(dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak)
	if ph == renewing {
		options = append(options, nclient4.WithUnicast(own), nclient4.WithServerAddr(server))
		answers = nclient4.IsAll(answers, nclient4.IsCorrectServer(server.IP))
	}
	client, err := nclient4.New(link, options...)
	if err != nil {
		return nil, fmt.Errorf("renew the address: %w", err)
	}
	defer client.Close()
	request, err := dhcpv4.NewRenewFromAck(l.ack, asked)
	if err != nil {
		return nil, fmt.Errorf("renew the address: %w", err)
	}
	got := time.Now()
	answer, err := client.SendAndRead(ctx, client.RemoteAddr(), request, answers)
	if err != nil {
		return nil, fmt.Errorf("renew the address: %w", err)
	}
	if answer.MessageType() == dhcpv4.MessageTypeNak {
		return nil, errRefused
	}
	return newLease(l.offer, completed(l.ack, answer), got)
}

// completed takes from the first answer what a renewal left out, as some servers do.
func completed(first, renewed *dhcpv4.DHCPv4) *dhcpv4.DHCPv4 {
	for code, value := range first.Options {
		if _, ok := renewed.Options[code]; !ok {
			renewed.Options[code] = value
		}
	}
	return renewed
}
