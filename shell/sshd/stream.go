package sshd

import (
	"io"
	"sync/atomic"
	"time"
)

// stream is an output of a session. Writes of several goroutines do not mix. After seal it takes no more.
type stream struct {
	turn     chan struct{} // held while writing; a lock that one can wait for with a deadline
	to       io.Writer
	straight bool // "\n" goes out as "\r\n"
	last     byte // the byte written last
	sealed   atomic.Bool
}

func newStream(to io.Writer, straight bool) *stream {
	return &stream{turn: make(chan struct{}, 1), to: to, straight: straight}
}

// Write blocks for as long as the client does not read. It returns an error once the channel or the connection is
// closed, and io.ErrClosedPipe after the session has ended.
func (s *stream) Write(p []byte) (n int, err error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.sealed.Load() {
		return 0, io.ErrClosedPipe
	}
	if !s.straight {
		return s.to.Write(p)
	}
	for len(p) > 0 && err == nil {
		var wrote int
		chunk := p[:min(len(p), maxChunk)]
		wrote, err = s.writeStraight(chunk)
		n, p = n+wrote, p[len(chunk):]
	}
	return n, err
}

// maxChunk bounds the copy that straightening takes.
const maxChunk = 16 << 10

// writeStraight writes text with straight line ends and returns how many bytes of text went out.
func (s *stream) writeStraight(text []byte) (int, error) {
	buf := make([]byte, 0, len(text)+len(text)/8+16)
	for _, b := range text {
		if b == '\n' && s.last != '\r' {
			buf = append(buf, '\r')
		}
		buf = append(buf, b)
		s.last = b
	}
	n, err := s.to.Write(buf)
	if err != nil {
		return min(n, len(text)), err
	}
	return len(text), nil
}

// seal ends the stream and waits for a write that is under way, until the deadline. It tells whether none is left.
func (s *stream) seal(deadline <-chan time.Time) bool {
	s.sealed.Store(true)
	select {
	case s.turn <- struct{}{}:
		<-s.turn
		return true
	case <-deadline:
		return false
	}
}
