package boot

import (
	"context"
	"errors"
	"fmt"
	"net"
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

// acquire gets a lease from the first server with a good offer.
func acquire(ctx context.Context, link string) (*lease, error) {
	client, err := nclient4.New(link, nclient4.WithTimeout(3*time.Second), nclient4.WithRetry(2))
	if err != nil {
		return nil, fmt.Errorf("ask for an address: %w", err)
	}
	defer client.Close()
	discover, err := dhcpv4.NewDiscovery(client.InterfaceAddr(), asked, dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(nclient4.MaxMessageSize)))
	if err != nil {
		return nil, fmt.Errorf("ask for an address: %w", err)
	}
	offer, err := client.SendAndRead(ctx, client.RemoteAddr(), discover, goodOffer)
	if err != nil {
		return nil, fmt.Errorf("ask for an address: %w", err)
	}
	got := time.Now()
	given, err := client.RequestFromOffer(ctx, offer, asked)
	if err != nil {
		return nil, fmt.Errorf("take the offered address: %w", err)
	}
	return newLease(given.Offer, given.ACK, got)
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
	options := []nclient4.ClientOpt{nclient4.WithTimeout(3 * time.Second), nclient4.WithRetry(2)}
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
