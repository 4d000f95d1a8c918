package auth

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// addressList is the value of from=: patterns for IP addresses. Names are not looked up, because whoever runs the
// reverse zone of an address decides what name it has.
type addressList []addressPattern

// addressPattern is either a network or a text with wildcards.
type addressPattern struct {
	negated  bool
	network  netip.Prefix
	wildcard string // used if network is not valid
}

// parseAddressList reads a comma-separated list of addresses, CIDR blocks, and patterns with * and ?, each with an
// optional ! before it. An entry that could never match is an error: with a ! it would let in whom it means to keep out.
func parseAddressList(text string) (addressList, error) {
	var list addressList
	positive := false
	for entry := range strings.SplitSeq(text, ",") {
		bare, negated := strings.CutPrefix(entry, "!")
		p, err := parseAddressPattern(bare)
		if err != nil {
			return nil, err
		}
		p.negated = negated
		positive = positive || !negated
		list = append(list, p)
	}
	if !positive {
		return nil, errors.New("only says who may not come, which lets nobody in: add ,* to let in the others")
	}
	return list, nil
}

func parseAddressPattern(text string) (addressPattern, error) {
	if strings.ContainsAny(text, "*?") {
		if strings.Trim(text, "0123456789abcdefABCDEF.:*?") != "" {
			return addressPattern{}, notAnAddress(text)
		}
		return addressPattern{wildcard: strings.ToLower(text)}, nil
	}
	network, err := parseNetwork(text)
	return addressPattern{network: network}, err
}

// parseNetwork reads an address or a CIDR block. As in OpenSSH, a block with bits behind its mask is an error.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, notAnAddress(text)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, notAnAddress(text)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%s has bits behind its mask: write %s", p, p.Masked())
	}
	return p, nil
}

func notAnAddress(text string) error {
	return fmt.Errorf(`"%s" is not an IP address, a network like 192.168.1.0/24, or a pattern like 192.168.*; names are not looked up`, escape(text))
}

// contains tells whether the list lets address in. One negated match is enough to keep it out, wherever it stands.
func (list addressList) contains(address netip.Addr) bool {
	if !address.IsValid() {
		return false
	}
	address = address.Unmap().WithZone("")
	found := false
	for _, p := range list {
		if !p.matches(address) {
			continue
		}
		if p.negated {
			return false
		}
		found = true
	}
	return found
}

func (p addressPattern) matches(address netip.Addr) bool {
	if p.network.IsValid() {
		return p.network.Contains(address)
	}
	return matchWildcard(address.String(), p.wildcard)
}

// matchWildcard tells whether pattern describes all of text: * is any number of bytes, ? is one. It takes at most
// len(text)*len(pattern) steps, whatever the pattern.
func matchWildcard(text, pattern string) bool {
	t, p := 0, 0
	star, resume := -1, 0 // the last * seen, and where its match would end next
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			t, p = t+1, p+1
		case star >= 0:
			resume++
			t, p = resume, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// addressOf returns the IP address of a TCP peer, an IPv4 one in its own form, and else the invalid address. It wants
// a *net.TCPAddr as the library does: whoever wraps a connection must hand that type on.
func addressOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp == nil {
		return netip.Addr{}
	}
	address, _ := netip.AddrFromSlice(tcp.IP)
	return address.Unmap()
}

// checkSourceAddress enforces a certificate's source-address, which is a list of addresses and CIDR blocks.
func checkSourceAddress(list string, address netip.Addr) error {
	allowed := false
	for entry := range strings.SplitSeq(list, ",") {
		network, err := parseNetwork(entry)
		if err != nil {
			return fmt.Errorf("the certificate's source-address: %w", err)
		}
		allowed = allowed || network.Contains(address.Unmap().WithZone(""))
	}
	if !allowed {
		return errors.New("the certificate's source-address does not allow this address")
	}
	return nil
}
