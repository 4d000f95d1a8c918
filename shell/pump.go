package shell

import (
	"context"
	"fmt"
	"sync"

	"wiped/engine"
)

// screen is the right to write to a session: a command has it while it runs, a status line while it is written, so that
// neither stands inside the other.
type screen struct{ sync.Mutex }

// pump brings the status lines of the jobs that a session started to its screen.
type pump struct {
	watch *engine.Watch
	end   context.CancelFunc
}

// startPump begins to show with show what the session's jobs do.
func (s *session) startPump(show func(context.Context, engine.Update)) {
	ctx, end := context.WithCancel(s.ctx)
	p := &pump{watch: s.sh.Engine.Follow(), end: end}
	s.pump = p
	go func() {
		defer s.guard()
		for p.watch.Wait(ctx) == nil {
			s.showNews(ctx, show)
		}
	}()
}

// showNews takes the screen first: a command that has it may be showing the same updates.
func (s *session) showNews(ctx context.Context, show func(context.Context, engine.Update)) {
	s.screen.Lock()
	defer s.screen.Unlock()
	news, _ := s.pump.watch.Take()
	for _, u := range news {
		show(ctx, u)
	}
}

func (p *pump) stop() {
	p.end()
	p.watch.Close()
}

// follow makes the session show a job that it started. In exec mode there is nobody to show it to.
func (s *session) follow(id, since uint64) {
	if s.pump == nil {
		return
	}
	if err := s.pump.watch.Add(id, since); err != nil {
		s.sh.Log.Error("follow a job", "session", s.ID, "job", id, "err", err)
	}
}

// shown tells the pump what a command has shown already.
func (s *session) shown(u engine.Update) {
	if s.pump != nil {
		s.pump.watch.Skip(u.Job, u.Seq)
	}
}

// printStatus shows every update in lines mode.
func (s *session) printStatus(_ context.Context, u engine.Update) {
	fmt.Fprint(s.out, s.statusText(u))
}

// statusText is an update as whole lines, with what was missed before it.
func (s *session) statusText(u engine.Update) string {
	text := s.sh.status(u) + "\n"
	if u.Missed > 0 {
		text = fmt.Sprintf("[job %d] %d status lines were not shown: this session could not keep up\n", u.Job, u.Missed) + text
	}
	return text
}
