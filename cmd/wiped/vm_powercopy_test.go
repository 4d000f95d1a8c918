//go:build vm && crash

package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// instant is a machine at the moment of a power cut that did not happen: what its drives would hold, and what had been acknowledged.
type instant struct {
	state  []byte
	drives map[string][]byte // by serial
	memory memory
	jobs   []*crashJob
}

// copies is how many instants of one moment are looked at.
const copies = 10

// cutAfter has the power go after so many more writes and flushes, or after limit if there are not as many. On the way it copies some instants.
func (p *powered) cutAfter(s *crashStation, operations int64, limit time.Duration) {
	left := 1 + p.random.Int64N(operations)
	odds := max(1, int(left)/copies)
	p.supply.Tap(func() {
		if len(p.instants) < copies && p.random.IntN(odds) == 0 {
			p.instants = append(p.instants, p.copyNow(s))
		}
	})
	p.supply.CutAfter(left)
	select {
	case <-p.supply.Down():
	case <-time.After(limit):
	}
	p.supply.Tap(nil)
}

// copyNow is called while nothing is written. What people have read by now was acknowledged; that they read on meanwhile is no matter.
func (p *powered) copyNow(s *crashStation) *instant {
	i := &instant{drives: map[string][]byte{}}
	s.talk.Lock()
	defer s.talk.Unlock()
	i.memory = s.memory.clone()
	for _, j := range s.jobs {
		again := *j
		again.claims, again.passes = nil, slices.Clone(j.passes)
		again.seen = nil
		if j.wait != nil {
			if again.acknowledged() && !j.resumed && !slices.ContainsFunc(i.jobs, func(o *crashJob) bool { return o.line == j.line }) {
				i.memory.commands[j.line]++
			}
			for _, e := range j.wait.events() {
				if e.Job == again.id {
					again.seen = append(again.seen, e)
				}
			}
		}
		i.jobs = append(i.jobs, &again)
	}
	for n, d := range p.disks {
		var content bytes.Buffer
		content.Grow(int(d.size))
		p.writers[n] = &content
	}
	if err := p.supply.Copy(p.writers...); err != nil {
		p.t.Error(err)
	}
	for n, d := range p.disks {
		i.drives[d.serial] = p.writers[n].(*bytes.Buffer).Bytes()
	}
	i.state = i.drives["LABSTATE"]
	return i
}

func (m memory) clone() memory {
	m.messages, m.tried, m.commands = slices.Clone(m.messages), maps.Clone(m.tried), maps.Clone(m.commands)
	m.ended, m.issued = maps.Clone(m.ended), maps.Clone(m.issued)
	return m
}

// lookAtInstants starts the server on each copied state, as a file system that the kernel of this host mounts, and holds what it shows
// against the copied drives. Its claims are held against the keys once the real job has ended.
func (p *powered) lookAtInstants(s *crashStation, name string) {
	p.t.Helper()
	for _, i := range p.instants {
		p.lookAt(s, i, name)
	}
	p.instants = nil
}

func (p *powered) lookAt(s *crashStation, i *instant, name string) {
	p.t.Helper()
	dir, err := os.MkdirTemp("", "instant")
	if err != nil {
		p.t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file, state := filepath.Join(dir, "state.img"), filepath.Join(dir, "state")
	if err := os.WriteFile(file, i.state, 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Mkdir(state, 0o700); err != nil {
		p.t.Fatal(err)
	}
	must(p.t, "mount", "-o", "loop", file, state)
	defer func() { _ = unix.Unmount(state, 0) }()
	keys := filepath.Join(dir, "keys")
	if err := os.WriteFile(keys, []byte(p.keys), 0o600); err != nil {
		p.t.Fatal(err)
	}
	again := &crashStation{bench: &bench{t: s.t, dir: dir, signer: s.signer, images: []string{"--authorized-keys", keys}}, memory: i.memory,
		figures: s.figures, rng: s.rng, where: s.where + ", copied", jobs: i.jobs}
	again.say, again.leftBehind = again.logTail, func() {}
	for n, j := range i.jobs {
		d := *j.drive
		d.content = func() ([]byte, error) { return i.drives[d.serial], nil }
		i.jobs[n].drive, j.wait = &d, nil
	}
	again.start()
	again.look()
	docs := again.jobDocs()
	for n, j := range i.jobs {
		if j.finished && j.id != 0 && docs[j.id].State == "erased" {
			again.settleJob(j, docs[j.id])
		}
		for _, c := range j.claims {
			c.job = s.jobs[n]
			c.when += ", at a copied instant"
			s.jobs[n].claims = append(s.jobs[n].claims, c)
		}
	}
	again.end(syscall.SIGKILL)
	s.figures.count(func(f *crashFigures) { f.Cuts["copied, without a boot: "+name]++ })
}
