package auth

import (
	"fmt"
	"log/slog"
	"time"
)

// badLinesLogged bounds what one broken file can put into the log.
const badLinesLogged = 20

func (k *Keys) log() *slog.Logger {
	if k.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return k.Log
}

// complain logs why the file cannot be used, once until the reason changes.
func (k *Keys) complain(err error) {
	if text := err.Error(); text != k.complaint {
		k.complaint = text
		k.log().Error("nobody can log in", "reason", text)
	}
}

func (k *Keys) logBadLines(bad []badLine) {
	for i, b := range bad {
		if i == badLinesLogged {
			k.log().Warn("more key lines are not usable", "file", escape(k.Path), "lines", len(bad)-i)
			return
		}
		k.log().Warn("key line is not usable", "line", fmt.Sprintf("%s:%d", escape(k.Path), b.number), "reason", b.why.Error())
	}
}

// logRefusal says why a key was not let in. A key that no line names is everyday noise of the network; one that a line
// names but does not admit is what an operator will ask about. Anybody can offer a public key, so the rate is limited.
func (k *Keys) logRefusal(o offer, l *line, why error) {
	attributes := []any{"user", escape(o.user), "from", o.address.String(), "fingerprint", fingerprint(o.key)}
	if l == nil {
		k.log().Debug("key is not in the authorized keys", attributes...)
		return
	}
	k.mu.Lock()
	ok, dropped := k.refusals.allow(o.now)
	k.mu.Unlock()
	if !ok {
		return
	}
	attributes = append(attributes, "line", fmt.Sprintf("%s:%d", escape(k.Path), l.number), "reason", why.Error())
	if dropped > 0 {
		attributes = append(attributes, "not_logged_before", dropped)
	}
	k.log().Info("key refused by its line", attributes...)
}

// limiter lets ten events through at once and then one every six seconds, and counts those it holds back.
type limiter struct {
	full    time.Time // when all ten may be used again
	dropped int
}

const (
	limiterBurst = 10
	limiterEvery = 6 * time.Second
)

func (l *limiter) allow(now time.Time) (ok bool, dropped int) {
	// Also if the clock was set back, or nothing would be logged until it has caught up.
	if wait := l.full.Sub(now); wait < 0 || wait > limiterBurst*limiterEvery {
		l.full = now
	}
	if l.full.Sub(now) > (limiterBurst-1)*limiterEvery {
		l.dropped++
		return false, 0
	}
	l.full = l.full.Add(limiterEvery)
	dropped, l.dropped = l.dropped, 0
	return true, dropped
}
