package privsep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"wiped/shell"
)

// session works one session on its socket to its end.
func (m *Monitor) session(conn *os.File) {
	m.lull.stir()
	defer func() {
		m.lull.stir()
		conn.Close()
		m.leave()
	}()
	f := newFrames(conn)
	o, err := readOpening(f)
	if errors.Is(err, io.EOF) {
		return // nobody wanted it
	}
	if err != nil {
		m.logChild(slog.LevelError, "session not begun", slog.String("err", err.Error()))
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &worked{frames: f, resize: make(chan shell.Size, 1), interrupt: make(chan struct{}, 1)}
	w.in.init(w)
	go func() {
		w.receive(cancel)
		cancel()
	}()
	exit := m.handle(ctx, o, w)
	_ = f.write(frameExit, []byte{byte(exit)})
}

func readOpening(f *frames) (o opening, err error) {
	k, data, err := f.read(maxOpen)
	if err != nil {
		return o, err
	}
	if k != frameOpen {
		return o, fmt.Errorf("a session begins with a frame of kind %d", k)
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return o, fmt.Errorf("read what the session is: %w", err)
	}
	if o.Mode < shell.Exec || o.Mode > shell.Terminal {
		return o, fmt.Errorf("a session in mode %d", o.Mode)
	}
	if !sessionID.MatchString(o.ID) {
		return o, errors.New("a session without a number")
	}
	if len(o.Term) > maxTerm || strings.ContainsFunc(o.Term, func(r rune) bool { return r <= ' ' || r > '~' }) {
		o.Term = "dumb"
	}
	o.Login = cut(o.Login, maxLogin)
	return o, nil
}

// What the child says of a session is a stranger's: sshd keeps to the same, a child taken over need not.
var sessionID = regexp.MustCompile(`^[0-9]{1,20}\.[0-9]{1,20}$`)

const maxTerm = 64

const exitNotAllowed = 5

// handle runs the handler for whoever holds the key, and survives its panic.
func (m *Monitor) handle(ctx context.Context, o opening, w *worked) (exit int) {
	defer func() {
		if r := recover(); r != nil {
			m.logChild(slog.LevelError, "defect: panic",
				slog.String("session", o.ID), slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
			exit = exitDefect
		}
	}()
	out, errs := stream{w.frames, frameOut}, stream{w.frames, frameErr}
	_, who, err := m.identify(&o.Offer)
	if err != nil { // its line was taken out, or has expired, since the login
		m.logChild(slog.LevelInfo, "session refused: its key may no longer log in", slog.String("session", o.ID), slog.String("from", o.Offer.From))
		fmt.Fprintln(errs, "this key may no longer log in. Next: ask for another one")
		return exitNotAllowed
	}
	if o.Mode == shell.Terminal && who.NoPTY { // sshd gives it none; or since the login its line says so
		m.logChild(slog.LevelInfo, "session refused: its key may have no terminal", slog.String("session", o.ID), slog.String("operator", who.Name))
		fmt.Fprintln(errs, "this key may have no terminal. Next: ssh -T, or with a command")
		return exitNotAllowed
	}
	s := &shell.Session{ID: o.ID, Who: who, Login: o.Login, From: o.Offer.From, Mode: o.Mode, Command: string(o.Command), Term: o.Term,
		Size: size(o.Columns, o.Rows), In: &w.in, Out: out, Err: errs, Resize: w.resize, Interrupt: w.interrupt}
	if s.Mode == shell.Terminal {
		s.Err = out
	}
	exit = m.Handler(ctx, s)
	if exit < 0 || exit > 255 {
		m.Log.Error("defect: exit code out of range", "session", o.ID, "exit", exit)
		return exitDefect // 256 would arrive as success
	}
	return exit
}

// size is one within the bounds that shell.Session states.
func size(columns, rows int) shell.Size {
	return shell.Size{Columns: min(max(columns, 10), 1000), Rows: min(max(rows, 2), 1000)}
}

// worked is the monitor's end of a session that runs.
type worked struct {
	*frames
	in        inbox
	resize    chan shell.Size
	interrupt chan struct{}
}

// receive takes in what the child sends until it is gone.
func (w *worked) receive(gone func()) {
	buf := make([]byte, 0, smallest)
	for {
		k, n, err := w.head(maxInput)
		if err == nil {
			buf = slices.Grow(buf[:0], n)
			_, err = io.ReadFull(w.r, buf[:n])
		}
		data := buf[:n]
		if err == nil {
			err = w.take(k, data, gone)
		}
		if err != nil {
			w.in.add(nil, io.ErrUnexpectedEOF)
			return
		}
	}
}

func (w *worked) take(k kind, data []byte, gone func()) error {
	switch k {
	case frameInput:
		return w.in.add(data, nil)
	case frameInputEnd:
		if len(data) > 0 {
			return w.in.add(nil, io.ErrUnexpectedEOF)
		}
		return w.in.add(nil, io.EOF)
	case frameGone:
		gone()
	case frameInterrupt:
		select {
		case w.interrupt <- struct{}{}:
		default: // one is waiting to be seen already
		}
	case frameSize:
		if len(data) != 8 {
			return errors.New("a size of the wrong length")
		}
		columns, _ := number(data[:4])
		rows, _ := number(data[4:])
		select { // nobody else sends: after this there is room
		case <-w.resize:
		default:
		}
		w.resize <- size(int(columns), int(rows))
	}
	return nil
}

// inbox is input that waits to be read.
type inbox struct {
	mu   sync.Mutex
	more sync.Cond
	buf  bytes.Buffer
	end  error
	room int // that the child has not been told of yet
	w    *worked
}

func (in *inbox) init(w *worked) { in.more.L, in.w, in.room = &in.mu, w, window }

func (in *inbox) add(p []byte, end error) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.buf.Len()+len(p) > window {
		return errors.New("more input than there is room for")
	}
	in.buf.Write(p)
	if in.end == nil {
		in.end = end
	}
	in.more.Broadcast()
	return nil
}

// Read blocks until there is input. The error is io.EOF when the client has sent all, io.ErrUnexpectedEOF when it is lost.
func (in *inbox) Read(p []byte) (int, error) {
	if room := in.tell(); room > 0 {
		_ = in.w.writeNumbers(frameRoom, uint32(room))
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.buf.Len() == 0 && in.end == nil {
		in.more.Wait()
	}
	if in.buf.Len() == 0 {
		return 0, in.end
	}
	n, _ := in.buf.Read(p)
	in.room += n
	return n, nil
}

// tell returns how much room the child is to be told of: all of it when the first reader comes, and then seldom, so that typing costs no
// frames.
func (in *inbox) tell() (room int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.room >= window/4 {
		room, in.room = in.room, 0
	}
	return room
}

// stream is an output of a session.
type stream struct {
	frames *frames
	kind   kind
}

// Write blocks while the client does not read.
func (s stream) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		chunk := p[:min(len(p), maxData)]
		if err := s.frames.write(s.kind, chunk); err != nil {
			return n, err
		}
		n, p = n+len(chunk), p[len(chunk):]
	}
	return n, nil
}
