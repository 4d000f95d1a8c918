package main

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
)

const (
	deafShare          = 20        // one in so many watchers never reads
	sessionsOnOneLogin = 10        // of the others
	holdRate           = 4_000_000 // bytes a second: a drive so slow that everybody has come before it is done
	holdSize           = 128 * mib
)

// watchers measures a job that many watch, and the same job alone. The clients run on the same processors, which counts against us.
func watchers(l *lab) error {
	d, err := l.zramDrive(l.form.watched)
	if err != nil {
		return err
	}
	slow, err := l.loops(1, holdSize)
	if err != nil {
		return err
	}
	state, err := l.newState()
	if err != nil {
		return err
	}
	s, err := l.stationIn(state, []string{"--parallel", "1"}, d, slow[0])
	if err != nil {
		return err
	}
	if _, err := l.throttled(s, holdRate, slow...); err != nil {
		return err
	}
	return l.contest("watched", l.form.rounds,
		contender{"alone", func() (map[string]float64, error) { return l.watched(s, d, slow[0], 0) }},
		contender{"by many", func() (map[string]float64, error) { return l.watched(s, d, slow[0], l.form.watchers) }},
	)
}

// watched erases d with so many sessions watching from before it begins: it waits in the queue behind a slow drive until all have come.
func (l *lab) watched(s *station, d, slow device, watchers int) (map[string]float64, error) {
	held, ended := make(chan uint64, 1), make(chan error, 1)
	go func() {
		_, err := s.eraseAfter("zero", "none", func(id uint64) error { held <- id; return nil }, slow)
		ended <- err
	}()
	var hold uint64
	select {
	case hold = <-held:
	case err := <-ended:
		return nil, fmt.Errorf("erase the drive that holds up the other one: %w", err)
	}
	crowd := &crowd{l: l, s: s}
	defer crowd.leave()
	t, err := s.eraseAfter("zero", "none", func(id uint64) error {
		if err := crowd.gather(id, watchers); err != nil {
			return err
		}
		_, err := ask(s.client, fmt.Sprintf("cancel %d", hold))
		return err
	}, d)
	<-ended // as cancelled, which is an error to eraseAfter
	if err == nil && watchers > 0 && crowd.silent() {
		err = errors.New("nobody heard anything of the job")
	}
	return t.write.figures("write"), err
}

// crowd is who watches.
type crowd struct {
	l       *lab
	s       *station
	clients []*ssh.Client
	came    atomic.Int64 // bytes that were heard before the job began
	heard   atomic.Int64 // bytes in all
}

// gather has so many sessions watch a job. Some of them never read, and that not only as SSH has it, whose windows are large.
func (c *crowd) gather(id uint64, watchers int) error {
	deaf := watchers / deafShare
	for range deaf {
		conn := &deafConn{closed: make(chan struct{})}
		if err := c.join(id, 1, conn.over); err != nil {
			return fmt.Errorf("a watcher that does not read: %w", err)
		}
		conn.deaf.Store(true)
	}
	for left := watchers - deaf; left > 0; left -= sessionsOnOneLogin {
		if err := c.join(id, min(left, sessionsOnOneLogin), nil); err != nil {
			return fmt.Errorf("watcher %d: %w", watchers-left, err)
		}
	}
	c.came.Store(c.heard.Load())
	return nil
}

// silent tells whether nothing was heard since all had come.
func (c *crowd) silent() bool { return c.heard.Load() == c.came.Load() }

// join logs in and watches in so many sessions. It returns when each has heard how the job stands.
func (c *crowd) join(id uint64, sessions int, wrap func(net.Conn) net.Conn) error {
	client, err := c.l.key.dial(c.s.addr, wrap)
	if err != nil {
		return err
	}
	c.clients = append(c.clients, client)
	for range sessions {
		session, err := client.NewSession()
		if err != nil {
			return err
		}
		out, err := session.StdoutPipe()
		if err != nil {
			return err
		}
		if err := session.Start(fmt.Sprintf("watch %d", id)); err != nil {
			return err
		}
		first := make(chan error, 1)
		go c.listen(out, first)
		if err := <-first; err != nil {
			return err
		}
	}
	return nil
}

// reader is what a session says.
type reader interface{ Read([]byte) (int, error) }

func (c *crowd) listen(out reader, first chan<- error) {
	buf := make([]byte, 4096)
	n, err := out.Read(buf)
	first <- err
	for err == nil {
		c.heard.Add(int64(n))
		n, err = out.Read(buf)
	}
}

func (c *crowd) leave() {
	var all sync.WaitGroup
	for _, client := range c.clients {
		all.Go(func() { client.Close() })
	}
	all.Wait()
}

// deafConn is a connection from which nothing is read any more once deaf is set.
type deafConn struct {
	net.Conn
	deaf   atomic.Bool
	once   sync.Once
	closed chan struct{}
}

func (d *deafConn) over(conn net.Conn) net.Conn {
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	d.Conn = conn
	return d
}

func (d *deafConn) Read(p []byte) (int, error) {
	if d.deaf.Load() {
		<-d.closed
		return 0, net.ErrClosed
	}
	return d.Conn.Read(p)
}

func (d *deafConn) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.Conn.Close()
}
