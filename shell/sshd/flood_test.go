package sshd

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/shell"
	"wiped/shell/sshd/rawtest"
)

// The bugs about clients that send too much or read too little: H, I and J.

// H: a session whose channel is closed does not learn of it, and one that is not read blocks.
func TestBugH_SlowReader(t *testing.T) {
	started, ended := make(chan string, 2), make(chan string, 2)
	s := serve(t, func(ctx context.Context, s *shell.Session) int {
		if s.Command == "quick" {
			return 7
		}
		started <- s.Command
		if s.Command == "write" {
			block := make([]byte, 1<<10)
			for {
				if _, err := s.Out.Write(block); err != nil {
					break
				}
			}
		}
		<-ctx.Done()
		ended <- s.Command
		return 0
	})
	client := s.dial()
	write, waiting := openChannel(t, client), openChannel(t, client)
	request(t, write, "exec", text("write"))
	request(t, waiting, "exec", text("wait"))
	within(t, "start", started)
	within(t, "start", started)

	waiting.Close()
	if got := within(t, "end of the closed session", ended); got != "wait" {
		t.Errorf("session %s ended; want wait", got)
	}
	if got := run(t, client, "quick"); got.exit != 7 {
		t.Errorf("other session of the connection: exit %d", got.exit)
	}
	if got := run(t, s.dial(), "quick"); got.exit != 7 {
		t.Errorf("other connection: exit %d", got.exit)
	}
	select {
	case got := <-ended:
		t.Errorf("session %s ended too", got)
	default:
	}
	write.Close()
	within(t, "end of the writer", ended)
}

// I: no limits. Environment, agent and channels are taken in any number.
func TestBugI_NoLimits(t *testing.T) {
	s := serve(t, func(context.Context, *shell.Session) int { return 7 })
	client := s.dial()
	ch := openChannel(t, client)
	value := strings.Repeat("x", 200_000)
	before := heap()
	for i := range 500 {
		if i%100 == 0 && request(t, ch, "env", append(text("A"), text(value)...)) {
			t.Fatal("env granted")
		}
		ch.SendRequest("env", false, append(text("A"), text(value)...))
	}
	if grown := heap() - before; grown > 32<<20 {
		t.Errorf("500 env requests: heap grew by %d MB", grown>>20)
	}
	for _, name := range []string{"auth-agent-req@openssh.com", "x11-req", "subsystem", "break", "tun@openssh.com", "nonsense"} {
		if request(t, ch, name, text("sftp")) {
			t.Errorf("%s granted", name)
		}
	}
	goroutines := runtime.NumGoroutine()
	opened := 0
	for range 10000 {
		if _, _, err := client.OpenChannel("session", nil); err == nil {
			opened++
		}
	}
	if want := defaultLimits.Sessions - 1; opened != want {
		t.Errorf("%d more channels opened; want %d", opened, want)
	}
	if grown := runtime.NumGoroutine() - goroutines; grown > 100 {
		t.Errorf("10000 channels left %d goroutines", grown)
	}
	ch.Close()
	eventually(t, "place for a session", func() bool {
		again, requests, err := client.OpenChannel("session", nil)
		if err == nil {
			go gossh.DiscardRequests(requests)
			again.Close()
		}
		return err == nil
	})
}

// I, the worse way: a client that never reads has thousands of channels refused.
func TestBugI_RefusalsNobodyReads(t *testing.T) {
	s := serve(t, nothing)
	raw := dialRaw(t, s.addr)
	raw.login("alice", goodKey)
	before := runtime.NumGoroutine()
	raw.SetWriteDeadline(time.Now().Add(time.Second))
	most := 0
	for i := uint32(0); i < 500_000; i++ {
		if raw.Send(rawtest.OpenRequest("direct-tcpip", i, 0, 32<<10)) != nil {
			break // the server has stopped reading, as it should
		}
		if i%1000 == 0 {
			most = max(most, runtime.NumGoroutine()-before)
		}
	}
	if most > 1000 {
		t.Errorf("%d goroutines for refusals that nobody reads", most)
	}
	if got := run(t, s.dial(), "x"); got.exit != 0 {
		t.Errorf("others: exit %d", got.exit)
	}
}

// J, found here: packets that come after the end of a handshake or of a connection leave the goroutines of x/crypto behind.
func TestBugJ_PacketsAfterTheEnd(t *testing.T) {
	nonsense := append([]byte{192}, make([]byte, 10)...)
	endings := map[string]func(*rawClient) []byte{
		"wrong service": func(c *rawClient) []byte {
			return c.Encode(rawtest.ServiceRequest("nonsense"))
		},
		"failed login": func(c *rawClient) (all []byte) {
			c.requestService()
			for range maxAuthTries + 1 {
				all = append(all, c.Encode(rawtest.KeyRequest("x", false, badKey.PublicKey().Type(), badKey.PublicKey().Marshal()))...)
			}
			return all
		},
		"protocol error after login": func(c *rawClient) []byte {
			c.requestService()
			c.sign("alice", goodKey)
			return c.Encode(rawtest.ChannelRequest(99, "nonsense", false, nil)[:5])
		},
	}
	for name, ending := range endings {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nothing)
			idle := used()
			for range freeFailures + 2 {
				c := dialRaw(t, s.addr)
				all := ending(c)
				for range 200 {
					all = append(all, c.Encode(nonsense)...)
				}
				c.Write(all)
				c.SetReadDeadline(time.Now().Add(patience))
				io.Copy(io.Discard, c)
				c.Close()
			}
			s.backTo(t, idle)
		})
	}
}

// nothing is a handler for tests in which none matters.
func nothing(context.Context, *shell.Session) int { return 0 }

func dialTCP(t testing.TB, addr string, send ...string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for _, s := range send {
		io.WriteString(c, s)
	}
	return c
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
