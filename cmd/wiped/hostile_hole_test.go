//go:build hostile

package main

import (
	"io"
	"net"
	"sync"
)

// hole passes bytes on until it is told to swallow them: a network that has gone, with both ends still there.
type hole struct {
	net.Listener
	mu   sync.Mutex
	gone bool
}

// blackHole listens on a port of its own for clients of the server.
func (g *target) blackHole() *hole {
	g.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.Fatal(err)
	}
	h := &hole{Listener: ln}
	go func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := g.connect(g.source(90))
			if err != nil {
				client.Close()
				continue
			}
			go h.pass(client, server)
			go h.pass(server, client)
		}
	}()
	return h
}

func (h *hole) port() string {
	_, port, _ := net.SplitHostPort(h.Addr().String())
	return port
}

func (h *hole) swallow() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = true
}

// pass copies; what is swallowed ends neither side, and the end of one side is swallowed too.
func (h *hole) pass(from, to net.Conn) {
	_, _ = io.Copy(writer(func(p []byte) (int, error) {
		h.mu.Lock()
		gone := h.gone
		h.mu.Unlock()
		if gone {
			return len(p), nil
		}
		return to.Write(p)
	}), from)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.gone {
		to.Close()
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
