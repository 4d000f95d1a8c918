//go:build hostile

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// sockets are those of all processes of the server.
func (m *meter) sockets() (n int) {
	for _, id := range m.processes() {
		open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", id))
		for _, file := range open {
			if to, _ := os.Readlink(file); strings.HasPrefix(to, "socket:") {
				n++
			}
		}
	}
	return n
}

// peak follows what the server holds until stop is called.
type peak struct {
	stop chan struct{}
	done chan holding
}

func (m *meter) peak() *peak {
	p := &peak{make(chan struct{}), make(chan holding, 1)}
	go func() {
		var most holding
		for {
			now := m.used()
			most.descriptors, most.resident = max(most.descriptors, now.descriptors), max(most.resident, now.resident)
			most.processes = max(most.processes, now.processes)
			select {
			case <-p.stop:
				p.done <- most
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return p
}

func (p *peak) end() holding {
	close(p.stop)
	return <-p.done
}
