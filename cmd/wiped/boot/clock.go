package boot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/beevik/ntp"
	"golang.org/x/sys/unix"
)

// clock keeps the machine's clock right as far as somebody can be asked, and knows whether anybody could.
type clock struct {
	built time.Time // the machine cannot be running before that

	mu   sync.Mutex
	from string    // the server that set it; "": none did
	when time.Time // that was
	why  string    // no server could be asked
	news chan struct{}
}

func newClock(built time.Time) *clock { return &clock{built: built, news: make(chan struct{}, 1)} }

// earliest is what the time is after, for a program that was built outside of its repository.
var earliest = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// buildTime is when the program's sources were committed, as far as that is known.
func buildTime() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return earliest
	}
	for _, s := range info.Settings {
		if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil && t.After(earliest) {
			return t
		}
	}
	return earliest
}

// poke has the time asked for at once, because there may be a way to a server now.
func (c *clock) poke() {
	select {
	case c.news <- struct{}{}:
	default:
	}
}

const (
	defaultServer = "pool.ntp.org"
	stepOver      = 500 * time.Millisecond // smaller differences are slewed
)

// run asks for the time until ctx ends: often at first, hourly once it was right.
func (c *clock) run(ctx context.Context, servers func() []string) {
	for pause := 5 * time.Second; ctx.Err() == nil; {
		if c.ask(servers()) {
			pause = time.Hour
		} else if pause = min(2*pause, 10*time.Minute); c.synchronised() {
			pause = time.Minute
		}
		select {
		case <-ctx.Done():
		case <-c.news:
		case <-time.After(pause):
		}
	}
}

// ask asks the servers in turn until one sets the clock.
func (c *clock) ask(servers []string) bool {
	var errs []error
	for _, s := range servers {
		err := c.askOne(s)
		if err == nil {
			return true
		}
		errs = append(errs, fmt.Errorf("%s: %s", s, whyNot(err)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.why = oneLine(errors.Join(errs...))
	return false
}

func (c *clock) askOne(server string) error {
	answer, err := ntp.QueryWithOptions(server, ntp.QueryOptions{Timeout: 4 * time.Second})
	if err != nil {
		return err
	}
	if err := answer.Validate(); err != nil {
		return err
	}
	if now := time.Now().Add(answer.ClockOffset); now.Before(c.built) {
		return fmt.Errorf("it says %s, which is before this program was made", now.UTC().Format(time.DateOnly))
	}
	if err := correct(answer.ClockOffset); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from, c.when, c.why = server, time.Now(), ""
	return nil
}

// whyNot says in the same words every time why a server gave no time: addresses and ports in it would change.
func whyNot(err error) string {
	var name *net.DNSError
	var failed net.Error
	switch {
	case errors.As(err, &name):
		return "its name is not found"
	case errors.As(err, &failed) && failed.Timeout():
		return "no answer"
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH):
		return "no way to it"
	case errors.Is(err, unix.ECONNREFUSED):
		return "it serves no time"
	}
	return err.Error()
}

// correct sets the clock by an offset. The machine's own battery clock is left alone: a station leaves nothing behind.
func correct(offset time.Duration) error {
	if offset.Abs() < stepOver {
		_, err := unix.Adjtimex(&unix.Timex{Modes: unix.ADJ_OFFSET_SINGLESHOT, Offset: offset.Microseconds()})
		return err
	}
	now := unix.NsecToTimeval(time.Now().Add(offset).UnixNano())
	return unix.Settimeofday(&now)
}

func (c *clock) synchronised() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.from != ""
}

// text says how far the clock can be trusted.
func (c *clock) text(now time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return clockText(c.from, c.why, now, c.built)
}

func clockText(from, why string, now, built time.Time) string {
	next := "Next: let it reach an NTP server, or start with wiped.ntp=HOST, or set the clock in the firmware's setup"
	switch {
	case from != "":
		return "synchronised with " + from + " (NTP)"
	case now.Before(built):
		return fmt.Sprintf("WRONG: it says %s, and this program was made after %s; certificates would bear the wrong time. %s",
			now.UTC().Format("January 2006"), built.UTC().Format(time.DateOnly), next)
	case why == "":
		return "the machine's own, not synchronised yet"
	}
	return "the machine's own, NOT SYNCHRONISED: " + why + ". " + next
}

// timeServers are those to ask: the one that was set alone, else those of DHCP and then the public ones.
func timeServers(set string, from []addressing) (out []string) {
	if set != "" {
		return []string{set}
	}
	seen := map[netip.Addr]bool{}
	for _, a := range from {
		for _, s := range a.ntp {
			if !seen[s] {
				out = append(out, s.String())
			}
			seen[s] = true
		}
	}
	return append(out, defaultServer)
}
