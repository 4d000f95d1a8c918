package nvmetcp

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// handClock moves only when it is told to.
type handClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*handTimer
}

type handTimer struct {
	at time.Time
	f  func()
}

func newHandClock() *handClock { return &handClock{now: time.Unix(1_700_000_000, 0)} }

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &handTimer{c.now.Add(d), f}
	c.timers = append(c.timers, t)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		before := len(c.timers)
		c.timers = slices.DeleteFunc(c.timers, func(o *handTimer) bool { return o == t })
		return len(c.timers) < before
	}
}

// advance moves the time on and calls what falls due, each at its time.
func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	for {
		var first *handTimer
		for _, t := range c.timers {
			if !t.at.After(end) && (first == nil || t.at.Before(first.at)) {
				first = t
			}
		}
		if first == nil {
			break
		}
		c.timers = slices.DeleteFunc(c.timers, func(o *handTimer) bool { return o == first })
		c.now = first.at
		c.mu.Unlock()
		first.f()
		c.mu.Lock()
	}
	c.now = end
	c.mu.Unlock()
}

// bench is a drive without a wire: commands go straight to it.
type bench struct {
	t         testing.TB
	s         *Subsystem
	clock     *handClock
	admin, io *queue
	cid       uint16
	dropped   int              // queues that the drive has cut
	answered  map[uint16]reply // commands that were answered late
}

func newBench(t testing.TB, line string) *bench {
	t.Helper()
	config, err := Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, clock: newHandClock(), answered: map[uint16]reply{}}
	if b.s, err = New(config, b.clock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.s.Close() })
	b.connect()
	return b
}

// connect makes a new controller with one I/O queue.
func (b *bench) connect() {
	b.t.Helper()
	drop := func() { b.dropped++ }
	b.admin, b.io = &queue{drop: drop}, &queue{drop: drop}
	var data [connectDataLen]byte
	copy(data[connectSubsystem:], b.s.NQN())
	copy(data[connectHost:], "nqn.test:host")
	le.PutUint16(data[connectCntlid:], 0xFFFF)
	r := b.must(b.admin, connectCommand(0), data[:])
	b.must(b.admin, propertySetCommand(propertyCC, 0x460001), nil)
	le.PutUint16(data[connectCntlid:], uint16(r.result))
	b.must(b.io, connectCommand(1), data[:])
}

func connectCommand(qid uint16) (c sqe) {
	c[0], c[4] = opFabrics, fabricsConnect
	le.PutUint16(c[42:], qid)
	le.PutUint16(c[44:], 31)
	return c
}

func propertySetCommand(offset, value uint32) (c sqe) {
	c[0], c[4] = opFabrics, fabricsPropertySet
	le.PutUint32(c[44:], offset)
	le.PutUint32(c[48:], value)
	return c
}

// command makes a command of its dwords from 10 on.
func command(opcode byte, nsid uint32, dwords ...uint32) (c sqe) {
	c[0] = opcode
	le.PutUint32(c[4:], nsid)
	for i, v := range dwords {
		le.PutUint32(c[40+4*i:], v)
	}
	return c
}

func (b *bench) do(q *queue, c sqe, data []byte) reply {
	b.cid++
	cid := b.cid
	le.PutUint16(c[2:], cid)
	r, late := b.s.execute(q, request{sqe: c, data: data, finish: func(r reply) { b.answered[cid] = r }})
	for _, f := range late {
		f()
	}
	return r
}

func (b *bench) must(q *queue, c sqe, data []byte) reply {
	b.t.Helper()
	r := b.do(q, c, data)
	if r.pending || r.status != success {
		b.t.Fatalf("opcode %02Xh: pending %v, status %04Xh", c.opcode(), r.pending, r.status)
	}
	return r
}

// want does a command and compares its status.
func (b *bench) want(want status, q *queue, c sqe, data []byte) {
	b.t.Helper()
	if r := b.do(q, c, data); r.pending || r.status != want {
		b.t.Errorf("opcode %02Xh: pending %v, status %04Xh; want %04Xh", c.opcode(), r.pending, r.status, want)
	}
}

func (b *bench) sanitize(word uint32) status {
	b.t.Helper()
	r := b.do(b.admin, command(opSanitize, 0, word, 0x11223344), nil)
	if r.pending {
		b.t.Fatal("sanitize is pending")
	}
	return r.status
}

// log81 is SPROG, SSTAT and SCDW10.
type log81 struct {
	progress, status uint16
	word             uint32
}

func (b *bench) log() log81 {
	b.t.Helper()
	page := b.must(b.admin, logCommand(logSanitize, 512), nil).data
	return log81{le.Uint16(page), le.Uint16(page[2:]), le.Uint32(page[4:])}
}

func logCommand(id byte, length uint32) sqe {
	return command(opGetLogPage, allNamespaces, uint32(id)|(length/4-1)<<16)
}

func (b *bench) read(nsid uint32, lba uint64, blocks uint32) []byte {
	b.t.Helper()
	return b.must(b.io, command(opRead, nsid, uint32(lba), uint32(lba>>32), blocks-1), nil).data
}

func (b *bench) write(nsid uint32, lba uint64, data []byte) {
	b.t.Helper()
	blocks := len(data) >> b.s.namespace(nsid).shift()
	b.must(b.io, command(opWrite, nsid, uint32(lba), uint32(lba>>32), uint32(blocks-1)), data)
}
