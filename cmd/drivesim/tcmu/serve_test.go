package tcmu

import (
	"bytes"
	"testing"
	"time"

	"wiped/cmd/drivesim/target"
)

func serving(t *testing.T, d device) (*kernel, *server) {
	t.Helper()
	k := newKernel(t)
	s := newServer(d, k.ring.memory, k)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.run() }()
	t.Cleanup(func() { k.close(); <-ended })
	return k, s
}

// TestData: what comes in several pieces of any length arrives as one, and what goes out is cut into them.
func TestData(t *testing.T) {
	var got []byte
	k, _ := serving(t, func(c target.Command) target.Outcome {
		if c.CDB[0] == 0x2a {
			got = c.Out
			return target.OK(nil)
		}
		return target.OK([]byte("0123456789abcdefghij"))
	})
	write := k.send([]byte{0x2a}, []byte("hello, world"), 5, 4, 3)
	if a := k.answers(1)[write]; a.status != target.Good || string(got) != "hello, world" {
		t.Errorf("%q, status %02x", got, a.status)
	}
	read := k.send([]byte{0x12}, nil, 7, 9)
	if a := k.answers(1)[read]; string(a.data) != "0123456789abcdef" || a.length != 16 {
		t.Errorf("%q, length %d", a.data, a.length)
	}
	more := k.send([]byte{0x12}, nil, 64)
	if a := k.answers(1)[more]; string(a.data[:20]) != "0123456789abcdefghij" || a.length != 20 {
		t.Errorf("%q, length %d", a.data, a.length)
	}
}

// TestSenseAndData: a pass-through command with CK_COND has both.
func TestSenseAndData(t *testing.T) {
	k, _ := serving(t, func(target.Command) target.Outcome {
		o := target.Check(bytes.Repeat([]byte{0x72}, 22))
		o.Data = []byte("data")
		return o
	})
	id := k.send([]byte{0x85}, nil, 4)
	if a := k.answers(1)[id]; a.status != target.CheckCondition || a.sense[21] != 0x72 || a.sense[22] != 0 || string(a.data) != "data" || a.length != 4 {
		t.Errorf("%+v", a)
	}
}

// TestSlowHoldsUpNobody: a command that takes its time is overtaken by many others, round the ring.
func TestSlowHoldsUpNobody(t *testing.T) {
	release := make(chan struct{})
	var slow func() target.Outcome
	slow = func() target.Outcome {
		select {
		case <-release:
			return target.OK([]byte("slow"))
		default:
			return target.Outcome{Wait: time.Millisecond, Then: slow}
		}
	}
	k, _ := serving(t, func(c target.Command) target.Outcome {
		if c.CDB[0] == 0x48 {
			return slow()
		}
		return target.OK(c.CDB[1:2])
	})
	first := k.send([]byte{0x48}, nil, 4)
	for i := range 5 {
		id := k.send([]byte{0x12, byte(i)}, nil, 1)
		if a, ok := k.answers(1)[id]; !ok || a.data[0] != byte(i) {
			t.Fatalf("command %d: %+v", i, a)
		}
	}
	close(release)
	if a := k.answers(1)[first]; string(a.data) != "slow" {
		t.Errorf("%+v", a)
	}
	for i := range 40 {
		id := k.send([]byte{0x12, byte(i)}, nil, 1)
		if a := k.answers(1)[id]; a.data[0] != byte(i) {
			t.Fatalf("round the ring, command %d: %+v", i, a)
		}
	}
}

// TestGivenUp: a drive that hangs does not answer; the kernel gives the command up and gets it back, and a late answer is lost.
func TestGivenUp(t *testing.T) {
	late := make(chan struct{})
	k, s := serving(t, func(c target.Command) target.Outcome {
		switch c.CDB[0] {
		case 0x00:
			return target.Outcome{Never: true}
		case 0x01:
			return target.Outcome{Wait: time.Millisecond, Then: func() target.Outcome { <-late; return target.OK(nil) }}
		}
		return target.OK(nil)
	})
	hung, slow := k.send([]byte{0}, nil), k.send([]byte{1}, nil)
	other := k.send([]byte{2}, nil)
	if a, ok := k.answers(1)[other]; !ok || a.status != target.Good {
		t.Errorf("another command: %+v", a)
	}
	k.abort(hung, slow, 999)
	all := k.answers(2)
	if all[hung].status != target.TaskAborted || all[slow].status != target.TaskAborted {
		t.Errorf("%+v", all)
	}
	close(late)
	lost := k.send([]byte{0}, nil)
	after := k.send([]byte{2}, nil)
	if a, ok := k.answers(1)[after]; !ok || a.status != target.Good {
		t.Errorf("afterwards: %+v", a)
	}
	s.loseAll()
	if a := k.answers(1)[lost]; a.status != target.TaskAborted {
		t.Errorf("after a reset: %+v", a)
	}
}

// TestUnplugged: what a drive that hangs would never answer ends with the drive, and nothing reaches it any more.
func TestUnplugged(t *testing.T) {
	k, s := serving(t, func(target.Command) target.Outcome { return target.Outcome{Never: true} })
	before := k.send([]byte{0}, nil)
	for s.open() == 0 {
		time.Sleep(time.Millisecond)
	}
	s.plugged(false)
	if a := k.answers(1)[before]; a.status != target.TaskAborted {
		t.Errorf("%+v", a)
	}
	after := k.send([]byte{0}, nil)
	if a := k.answers(1)[after]; a.status != target.CheckCondition || a.sense[12] != 0x25 {
		t.Errorf("%+v", a)
	}
}

// open is how many commands wait.
func (s *server) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}

// FuzzRing: a ring that is not as it should be ends the service; it is not believed.
func FuzzRing(f *testing.F) {
	k := newKernel(f)
	k.send([]byte{0x2a}, []byte("hello"), 5)
	k.abort(1)
	f.Add(append([]byte(nil), k.ring.memory[:1024]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := ring{memory: make([]byte, 8192)}
		copy(r.memory, b)
		for range 1000 {
			e, ok, err := r.next()
			if err != nil || !ok {
				return
			}
			if e.cdb != nil {
				if err := r.complete(e, target.Reply{Data: []byte("data"), Sense: make([]byte, 252)}); err != nil {
					return
				}
			}
		}
	})
}
