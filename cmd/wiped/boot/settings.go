package boot

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Settings are what a station was told at boot. The zero value is a station that was told nothing.
type Settings struct {
	Hostname string   // "": from DHCP, or made from the first network card's address
	Protect  []string // as --protect
	Parallel int      // as --parallel
	Drives   string   // as --drives; "": all

	keys             []string // lines for authorized_keys
	keysURL, keysSum string
	state            string // label or device of the state partition
	noConfig         bool   // no partition is looked for
	address          netip.Prefix
	gateway          netip.Addr
	card             string // that has the address: a name or a hardware address; "": the one with a cable
	dns              []netip.Addr
	ntp              string
}

// setting is one name that may be set, as wiped.NAME= or as a line of wiped.conf.
type setting struct {
	name string
	set  func(s *Settings, value string) error
}

// known are all names, as people see them in the message about an unknown one.
var known = []setting{
	{"key", func(s *Settings, v string) error { s.keys = append(s.keys, v); return checkKey(v) }},
	{"keys_url", func(s *Settings, v string) error { s.keysURL = v; return checkURL(v) }},
	{"keys_sha256", func(s *Settings, v string) error { s.keysSum = strings.ToLower(v); return checkSum(v) }},
	{"hostname", func(s *Settings, v string) error { s.Hostname = v; return checkHostname(v) }},
	{"protect", func(s *Settings, v string) error { s.Protect = append(s.Protect, v); return checkGlob(v) }},
	{"parallel", setParallel},
	{"drives", func(s *Settings, v string) error { s.Drives = v; return checkGlobs(v) }},
	{"state", func(s *Settings, v string) error { s.state = strings.TrimPrefix(v, "LABEL="); return notEmpty(v) }},
	{"config", setConfig},
	{"ip", setAddress},
	{"dns", setDNS},
	{"ntp", func(s *Settings, v string) error { s.ntp = v; return notEmpty(v) }},
}

// set sets one name. A value that is refused is not kept.
func (s *Settings) set(name, value string) error {
	for _, k := range known {
		if k.name != name {
			continue
		}
		try := *s
		if err := k.set(&try, value); err != nil {
			return fmt.Errorf("%s=%s: %w", name, value, err)
		}
		*s = try
		return nil
	}
	var names []string
	for _, k := range known {
		names = append(names, k.name)
	}
	return fmt.Errorf("%s=%s: there is no setting of that name. Next: use one of %s", name, value, strings.Join(names, ", "))
}

// setArguments takes the wiped.* arguments of the kernel's command line; those of others are not ours to judge.
func (s *Settings) setArguments(args []argument) (wrong []error) {
	for _, a := range args {
		if name, ok := strings.CutPrefix(a.name, "wiped."); ok {
			if err := s.set(name, a.value); err != nil {
				wrong = append(wrong, fmt.Errorf("wiped.%w", err))
			}
		}
	}
	return wrong
}

// setFile takes the lines of a wiped.conf: NAME=VALUE, # begins a comment line. One pair of quotes round a value, as the
// command line needs it, is taken off.
func (s *Settings) setFile(text string) (wrong []error) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		err := errors.New("this is not NAME=VALUE")
		if ok {
			err = s.set(strings.TrimPrefix(strings.TrimSpace(name), "wiped."), unquote(strings.TrimSpace(value)))
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("line %d: %w", number, err))
		}
	}
	return wrong
}

func unquote(value string) string {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return value
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(value[1 : len(value)-1])
}

// check finds settings that make no sense together.
func (s *Settings) check() error {
	if (s.keysURL == "") != (s.keysSum == "") {
		s.keysURL, s.keysSum = "", ""
		return errors.New("keys_url and keys_sha256 go together only: keys from the network are not believed without their hash. " +
			"Next: give both; sha256sum authorized_keys prints the hash")
	}
	return nil
}

var errEmpty = errors.New("the value is missing")

func notEmpty(v string) error {
	if v == "" {
		return errEmpty
	}
	return nil
}

// checkGlob refuses what the engine would refuse for --protect.
func checkGlob(v string) error {
	if _, err := path.Match(v, ""); err != nil || strings.TrimSpace(v) == "" {
		return errors.New("this is no name, path, serial or WWN, with * and ? for parts of it. Next: write [ as \\[")
	}
	return nil
}

// checkGlobs refuses what --drives would.
func checkGlobs(v string) error {
	for word := range strings.SplitSeq(v, ",") {
		if _, err := path.Match(word, ""); err != nil || word == "" {
			return errors.New("this is not all, none, or names, paths or globs such as sd*, with commas between them")
		}
	}
	return nil
}

func checkKey(v string) error {
	if !strings.Contains(strings.TrimSpace(v), " ") {
		return errors.New(`this is no whole line of authorized_keys. Next: put it in double quotes, and write quotes inside as \"`)
	}
	if strings.ContainsAny(v, "\r\n\x00") {
		return errors.New("a key is one line")
	}
	return nil
}

func checkURL(v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("this is no http:// or https:// address")
	}
	return nil
}

func checkSum(v string) error {
	if sum, err := hex.DecodeString(v); err != nil || len(sum) != 32 {
		return errors.New("this is no SHA-256 in 64 hexadecimal digits. Next: sha256sum authorized_keys")
	}
	return nil
}

var hostname = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$`)

func checkHostname(v string) error {
	if !hostname.MatchString(v) {
		return errors.New("a host name is 1 to 63 letters, digits, dots and hyphens")
	}
	return nil
}

func setParallel(s *Settings, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return errors.New("this is a number of drives, 0 for all")
	}
	s.Parallel = n
	return nil
}

func setConfig(s *Settings, v string) error {
	if v != "none" {
		return errors.New("only none is possible: no partition with the label " + configLabel + " is used")
	}
	s.noConfig = true
	return nil
}

// cardName is how the kernel names network cards.
var cardName = regexp.MustCompile(`^[a-z][a-z0-9]{1,14}$`)

// setAddress takes ADDRESS/PREFIX, then in any order the gateway and the card, each if there is one.
func setAddress(s *Settings, v string) (err error) {
	words := strings.Split(v, ",")
	if s.address, err = netip.ParsePrefix(words[0]); err != nil {
		return errors.New("this is not ADDRESS/PREFIX[,GATEWAY][,CARD], such as 192.0.2.10/24,192.0.2.1,52:54:00:12:34:56")
	}
	s.gateway, s.card = netip.Addr{}, ""
	for _, word := range words[1:] {
		gateway, noGateway := netip.ParseAddr(word)
		mac, noMAC := net.ParseMAC(word)
		switch {
		case noMAC == nil && len(mac) == 6 && s.card == "":
			s.card = mac.String()
		case noGateway == nil && gateway.Is4() == s.address.Addr().Is4() && !s.gateway.IsValid():
			s.gateway = gateway
		case noGateway != nil && cardName.MatchString(word) && s.card == "":
			s.card = word
		default:
			return fmt.Errorf("%s is neither a gateway, which is an address of the same kind, nor a network card, which is a name or a hardware address", word)
		}
	}
	return nil
}

func setDNS(s *Settings, v string) error {
	for _, each := range strings.Split(v, ",") {
		address, err := netip.ParseAddr(each)
		if err != nil {
			return errors.New("this is no list of IP addresses")
		}
		s.dns = append(s.dns, address)
	}
	return nil
}
