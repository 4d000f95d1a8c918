//go:build load

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// TestLoadConnections: connections one after another, eight at a time, each logging in, running one command and leaving:
// WIPED_LOAD_CONNECTIONS of them, 2,000 if that is not set. None fails, each is audited, and after the last the server holds what it
// held after the first thousand.
func TestLoadConnections(t *testing.T) {
	total := number(t, "WIPED_LOAD_CONNECTIONS", 2000)
	b := loadBench(t, 1<<20, "a.img")
	viewer, admin := b.newcomer("viewer", "robot"), b.newcomer("admin", "boss")
	var levels []level
	begun := time.Now()
	for n, target := range targets(total) {
		done := 0
		if n > 0 {
			done = levels[n-1].After
		}
		b.storm(viewer, target-done)
		if t.Failed() {
			return
		}
		if n == 0 {
			levels = append(levels, b.measure(target))
			levels[0] = b.settle(target, levels[0])
			continue
		}
		levels = append(levels, b.settle(target, levels[0]))
		t.Logf("%d connections, %.0f a second", target, rate(target, begun))
	}
	first, last := levels[0], levels[len(levels)-1]
	t.Log(table("connections", levels))
	if early := max(first.Resident, levels[1].Resident); last.Resident > early+early/4 {
		t.Errorf("memory grew from %d to %d bytes", early, last.Resident)
	}
	b.audited(admin, total)
	saveFigures(t, "connections", map[string]any{"connections": total, "failed": 0, "seconds": int(time.Since(begun).Seconds()), "levels": levels})
}

// targets are after how many connections the server is measured: a thousand, and each tenth of all.
func targets(total int) (all []int) {
	all = []int{min(1000, total/2)}
	for tenth := 1; tenth <= 10; tenth++ {
		if n := total * tenth / 10; n > all[len(all)-1] {
			all = append(all, n)
		}
	}
	return all
}

// storm makes n connections.
func (b *bench) storm(who ssh.Signer, n int) {
	b.t.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for left.Add(-1) >= 0 {
				out, err := b.say(who, "hello")
				if err != nil || out != "Hello! How are you?\n" {
					b.t.Errorf("a connection failed: %v, %q", err, out)
					return
				}
			}
		})
	}
	workers.Wait()
}

// audited looks for the login of each connection, and whether the audit holds.
func (b *bench) audited(admin ssh.Signer, logins int) {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, "state", "audit.jsonl"))
	if err != nil {
		b.t.Fatal(err)
	}
	if n := bytes.Count(text, []byte(`"operator":"robot"`)); n != logins {
		b.t.Errorf("%d of %d logins are audited", n, logins)
	}
	out, err := b.say(admin, "audit verify")
	if err != nil {
		b.t.Errorf("audit verify: %v: %s", err, out)
	}
	b.t.Log(fmt.Sprint("audit verify: ", out))
}
