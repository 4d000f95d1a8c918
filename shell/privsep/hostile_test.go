package privsep

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wiped/auth"
	"wiped/shell"
)

// The child is taken for somebody who has been taken over: whatever it says, the monitor goes on.

// monitor is one without a process behind it.
func monitor(t testing.TB) *Monitor {
	return newMonitor(Config{Log: slog.New(slog.DiscardHandler), LookUp: (&auth.Keys{Path: "/nonexistent"}).LookUp,
		Handler: func(_ context.Context, s *shell.Session) int { io.Copy(io.Discard, s.In); return 0 }})
}

// FuzzOpening: a session's socket with anything in it.
func FuzzOpening(f *testing.F) {
	var good bytes.Buffer
	w := &frames{w: &good}
	text, _ := json.Marshal(opening{ID: "1.1", Mode: shell.Exec, Command: []byte("hello"), Offer: offer{From: "127.0.0.1:1"}})
	w.write(frameOpen, text)
	w.write(frameInput, []byte("typed"))
	w.writeNumbers(frameSize, 80, 24)
	w.write(frameInterrupt, nil)
	w.write(frameInputEnd, nil)
	f.Add(good.Bytes())
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{1, 0, 0, 0, 2, '{', '}', 4, 0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := monitor(t)
		m.sessions = 1
		ours, theirs := sessionPair(t)
		done := make(chan struct{})
		go func() { defer close(done); m.session(ours) }()
		go io.Copy(io.Discard, theirs)
		theirs.Write(data)
		theirs.CloseWrite()
		<-done
		theirs.Close()
		if m.sessions != 0 {
			t.Error("the session is still counted")
		}
	})
}

// FuzzMessage: the border with anything on it. What makes no sense ends the child; nothing else does.
func FuzzMessage(f *testing.F) {
	for _, m := range []message{{ID: 1, Say: sayAuthorize, Body: json.RawMessage(`{"From":"1.2.3.4:5"}`)}, {Say: saySession}, {ID: 2, Say: saySign, Body: json.RawMessage(`{}`)},
		{Say: sayResources}, {ID: 3, Say: "nonsense"}, {ID: 4, Say: sayLogin, Body: json.RawMessage(`[]`)}} {
		text, _ := json.Marshal(m)
		f.Add(text)
	}
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 || len(data) > maxMessage {
			return
		}
		m := monitor(t)
		ours, theirs := socketPair(t, unix.SOCK_SEQPACKET)
		c := &child{border: border{ours}, gone: make(chan struct{})}
		c.serveForTest(m)
		theirs.Write(data)
		theirs.Close()
		<-c.gone
		ours.Close()
	})
}

// FuzzRecord: a log with anything in it.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"time":"x","level":"INFO","msg":"hello","n":1,"d":{"a":[1]}}` + "\npanic: x\n\n"))
	f.Add([]byte(`{"level":"LOUD"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		relayLog(bytes.NewReader(data), monitor(t).logChild)
	})
}

// serveForTest is serve for a child that is no process.
func (c *child) serveForTest(m *Monitor) {
	c.cmd = &exec.Cmd{}
	go c.serve(m)
}

func socketPair(t testing.TB, kind int) (ours, theirs *net.UnixConn) {
	a, b, err := pair(kind)
	if err != nil {
		t.Fatal(err)
	}
	return connOf(t, a), connOf(t, b)
}

// sessionPair is a session's socket: the monitor's end of it, and the child's.
func sessionPair(t testing.TB) (ours *os.File, theirs *net.UnixConn) {
	a, b, err := pair(unix.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(a), "session"), connOf(t, b)
}

func connOf(t testing.TB, fd int) *net.UnixConn {
	conn, err := unixConn(os.NewFile(uintptr(fd), "test"))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestDescriptors: a child that hands over descriptors, which no child can that is confined, is ended, and none of them is kept.
func TestDescriptors(t *testing.T) {
	before := descriptors()
	for _, say := range []string{saySession, sayResources, "nonsense"} {
		ours, theirs := socketPair(t, unix.SOCK_SEQPACKET)
		c := &child{border: border{ours}, gone: make(chan struct{})}
		c.serveForTest(monitor(t))
		text, _ := json.Marshal(message{Say: say})
		r, w, _ := os.Pipe()
		theirs.WriteMsgUnix(text, unix.UnixRights(int(r.Fd()), int(w.Fd()), int(r.Fd())), nil)
		r.Close()
		w.Close()
		<-c.gone
		theirs.Close()
		ours.Close()
	}
	for end := time.Now().Add(wait); descriptors() > before && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	if after := descriptors(); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// TestWindow: a child that sends more input than it may loses the session, and the monitor holds no more than the window.
func TestWindow(t *testing.T) {
	in := &inbox{}
	in.init(&worked{frames: &frames{w: io.Discard}})
	for range window / maxInput {
		if err := in.add(make([]byte, maxInput), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.add([]byte{1}, nil); err == nil {
		t.Error("more than the window was taken")
	}
}

// TestRoom: the child is told of room for input when somebody reads, not before, and then seldom.
func TestRoom(t *testing.T) {
	in := &inbox{}
	in.init(nil)
	if room := in.tell(); room != window {
		t.Errorf("the first reader has the child told of %d bytes, want %d", room, window)
	}
	read := 0
	in.w = &worked{frames: newFrames(struct {
		io.Reader
		io.Writer
	}{nil, io.Discard})}
	for range 3 {
		if err := in.add(make([]byte, maxInput), nil); err != nil {
			t.Fatal(err)
		}
		n, _ := in.Read(make([]byte, maxInput))
		read += n
	}
	if room := in.tell(); room != 0 || read != 3*maxInput {
		t.Errorf("after %d bytes the child is told of %d more, want 0", read, room)
	}
	in.add(make([]byte, maxInput), nil)
	in.Read(make([]byte, maxInput))
	if room := in.tell(); room != window/4 {
		t.Errorf("after a quarter of the window the child is told of %d bytes, want %d", room, window/4)
	}
}
