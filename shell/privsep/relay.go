package privsep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"wiped/shell"
)

const (
	exitFailed = 1
	exitDefect = 70 // a defect in wiped itself
)

// relay is the child's end of one session.
type relay struct {
	*frames
	session *shell.Session
	credit  credit
}

// Serve has the monitor work a session, and passes on what goes in and comes out. It returns the exit code.
func (c *Child) Serve(ctx context.Context, s *shell.Session) int {
	defer c.lull.stir()
	conn, err := c.openSession()
	if err != nil {
		c.Log.Error("session not begun", "session", s.ID, "err", err.Error())
		fmt.Fprintf(s.Err, "no session could be begun: %v\n", err)
		return exitFailed
	}
	defer conn.Close()
	r := &relay{frames: newFrames(conn), session: s}
	r.credit.init()
	if err := r.open(); err != nil {
		c.Log.Error("session not begun", "session", s.ID, "err", err.Error())
		return exitDefect
	}
	ended := make(chan struct{})
	defer close(ended)
	defer r.credit.end()
	go r.sendSignals(ctx, ended)
	exit, err := r.receive()
	if err != nil {
		c.Log.Error("session lost", "session", s.ID, "err", err.Error())
	}
	return exit
}

// openSession returns the child's end of a session's socket: one that came with a login, or else one that is asked for.
func (c *Child) openSession() (*os.File, error) {
	fd := c.spares.take()
	if fd == none {
		m, err := c.exchange(saySession, nil)
		if err != nil {
			return nil, err
		}
		if fd = m.fd; fd == none {
			return nil, errFiles
		}
	}
	return os.NewFile(uintptr(fd), "session"), nil
}

// spares are sockets for sessions that have not begun: each login brings one, so that a connection's first session asks for nothing.
type spares struct {
	most  int
	mu    sync.Mutex
	list  []spare // the oldest first
	timed bool    // somebody comes to drop those that are too old
}

type spare struct {
	fd    int
	since time.Time
}

const (
	// maxSpares is when logins bring none any more.
	maxSpares = 64
	// spareTime is how long one is kept: connections that log in and begin nothing leave theirs behind. Most begin at once.
	spareTime = 5 * time.Second
)

func (s *spares) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.list) < s.most
}

func (s *spares) put(fd int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, spare{fd, time.Now()})
	if !s.timed {
		s.timed = true
		time.AfterFunc(spareTime, s.drop)
	}
}

// drop closes those that have waited for long enough.
func (s *spares) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.list) > 0 && time.Since(s.list[0].since) >= spareTime {
		unix.Close(s.list[0].fd)
		s.list = s.list[1:]
	}
	if s.timed = len(s.list) > 0; s.timed {
		time.AfterFunc(time.Until(s.list[0].since.Add(spareTime)), s.drop)
	}
}

func (s *spares) take() (fd int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.list)
	if n == 0 {
		return none
	}
	fd, s.list = s.list[n-1].fd, s.list[:n-1]
	return fd
}

func (r *relay) open() error {
	s := r.session
	o := opening{ID: s.ID, Login: s.Login, Mode: s.Mode, Command: []byte(s.Command), Term: s.Term, Columns: s.Size.Columns, Rows: s.Size.Rows,
		Offer: offer{Login: []byte(s.Who.Credential.Login), Key: []byte(s.Who.Credential.Key), From: s.From}}
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return r.write(frameOpen, text)
}

// sendInput sends what the client sends, as much as the monitor has room for, to the end of either. It is started when somebody reads:
// few commands do.
func (r *relay) sendInput() {
	buf := make([]byte, smallest)
	for {
		room := r.credit.wait(len(buf))
		if room == 0 {
			return
		}
		n, err := r.session.In.Read(buf[:room])
		r.credit.add(-n)
		if n > 0 && r.write(frameInput, buf[:n]) != nil {
			return
		}
		if err != nil {
			var lost []byte
			if !errors.Is(err, io.EOF) {
				lost = []byte{1}
			}
			r.write(frameInputEnd, lost)
			return
		}
		if n == len(buf) && n < maxInput {
			buf = make([]byte, min(2*n, maxInput))
		}
	}
}

// sendSignals sends what is no input: sizes, interrupts, and that the client is gone.
func (r *relay) sendSignals(ctx context.Context, ended <-chan struct{}) {
	gone := ctx.Done()
	for {
		var err error
		select {
		case <-ended:
			return
		case <-gone:
			gone = nil
			err = r.write(frameGone, nil)
		case size := <-r.session.Resize:
			err = r.writeNumbers(frameSize, uint32(size.Columns), uint32(size.Rows))
		case <-r.session.Interrupt:
			err = r.write(frameInterrupt, nil)
		}
		if err != nil {
			return
		}
	}
}

// receive passes on what the monitor sends until it sends the exit code. A client that takes no more output does not keep
// it from coming to its end.
func (r *relay) receive() (exit int, err error) {
	buf, reading := make([]byte, 0, smallest), false
	for {
		k, n, err := r.head(maxData)
		if err != nil {
			return exitDefect, err
		}
		if cap(buf) < n {
			buf = make([]byte, 0, n)
		}
		data := buf[:n]
		if _, err := io.ReadFull(r.r, data); err != nil {
			return exitDefect, err
		}
		switch k {
		case frameOut:
			_, _ = r.session.Out.Write(data)
		case frameErr:
			_, _ = r.session.Err.Write(data)
		case frameRoom:
			room, _ := number(data)
			r.credit.add(int(room))
			if !reading {
				reading = true
				go r.sendInput()
			}
		case frameExit:
			if len(data) == 1 {
				return int(data[0]), nil
			}
			return exitDefect, errors.New("no exit code in the last frame")
		}
	}
}

// credit is how much may be sent.
type credit struct {
	mu    sync.Mutex
	more  sync.Cond
	n     int
	ended bool
}

func (c *credit) init() { c.more.L = &c.mu }

func (c *credit) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
	c.more.Broadcast()
}

func (c *credit) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	c.more.Broadcast()
}

// wait returns how much may be sent, most at most, once that is more than nothing; 0 at the end.
func (c *credit) wait(most int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.n <= 0 && !c.ended {
		c.more.Wait()
	}
	if c.ended {
		return 0
	}
	return min(most, c.n)
}
