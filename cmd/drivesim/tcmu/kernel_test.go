package tcmu

import (
	"encoding/binary"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/target"
)

// kernel is the other end of a ring, as target_core_user has it.
type kernel struct {
	t        testing.TB
	ring     ring
	data     uint32 // where free room for data begins
	cleaned  uint32
	next     uint16
	vectors  map[uint16][][]byte
	toServer chan struct{}
	toKernel chan struct{}
	shut     sync.Once
}

const ringStart, ringSize, dataStart = 128, 2048, 4096

func newKernel(t testing.TB) *kernel {
	k := &kernel{t: t, ring: ring{memory: make([]byte, 64<<10)}, data: dataStart, next: 1, vectors: map[uint16][][]byte{},
		toServer: make(chan struct{}, 100), toKernel: make(chan struct{}, 100)}
	binary.NativeEndian.PutUint32(k.ring.memory[mailboxRing:], ringStart)
	binary.NativeEndian.PutUint32(k.ring.memory[mailboxSize:], ringSize)
	return k
}

// Read and Write are the bell's server side.
func (k *kernel) Read(b []byte) (int, error) {
	if _, ok := <-k.toServer; !ok {
		return 0, io.EOF
	}
	return len(b), nil
}

func (k *kernel) Write(b []byte) (int, error) {
	k.toKernel <- struct{}{}
	return len(b), nil
}

func (k *kernel) close() { k.shut.Do(func() { close(k.toServer) }) }

// room makes space for an entry at the head, with padding where the end of the ring is too near.
func (k *kernel) room(length uint32) []byte {
	head := atomic.LoadUint32(k.ring.word(mailboxHead))
	if left := ringSize - head; left < length {
		binary.NativeEndian.PutUint32(k.ring.memory[ringStart+head:], left|opPad)
		head = 0
	}
	b := k.ring.memory[ringStart+head : ringStart+head+length]
	clear(b)
	return b
}

func (k *kernel) publish(b []byte, length uint32) {
	head := atomic.LoadUint32(k.ring.word(mailboxHead))
	if ringSize-head < length {
		head = 0
	}
	atomic.StoreUint32(k.ring.word(mailboxHead), (head+length)%ringSize)
	k.toServer <- struct{}{}
}

// send puts a command into the ring, with data vectors of these lengths, which hold out first.
func (k *kernel) send(cdb []byte, out []byte, lengths ...int) uint16 {
	const length = 256
	b := k.room(length)
	id := k.next
	k.next++
	binary.NativeEndian.PutUint32(b, length|opCommand)
	binary.NativeEndian.PutUint16(b[entryID:], id)
	binary.NativeEndian.PutUint32(b[requestVectors:], uint32(len(lengths)))
	at := cap(k.ring.memory) - cap(b) + 200
	binary.NativeEndian.PutUint64(b[requestCDB:], uint64(at))
	copy(b[200:], target.Normal(cdb))
	var vectors [][]byte
	for i, n := range lengths {
		v := k.ring.memory[k.data : k.data+uint32(n)]
		out = out[copy(v, out):]
		binary.NativeEndian.PutUint64(b[requestVector+16*i:], uint64(k.data))
		binary.NativeEndian.PutUint64(b[requestVector+16*i+8:], uint64(n))
		k.data += uint32(n)
		vectors = append(vectors, v)
	}
	k.vectors[id] = vectors
	k.publish(b, length)
	return id
}

// abort tells of commands that the kernel has given up.
func (k *kernel) abort(ids ...uint16) {
	const length = 64
	b := k.room(length)
	binary.NativeEndian.PutUint32(b, length|opReset)
	binary.NativeEndian.PutUint32(b[resetCount:], uint32(len(ids)))
	for i, id := range ids {
		binary.NativeEndian.PutUint16(b[resetIDs+2*i:], id)
	}
	k.publish(b, length)
}

// answer is how a command ended.
type answer struct {
	status byte
	length uint32 // 0: not said
	sense  []byte
	data   []byte
}

// answers waits until n commands are answered.
func (k *kernel) answers(n int) map[uint16]answer {
	k.t.Helper()
	all := map[uint16]answer{}
	for end := time.After(5 * time.Second); len(all) < n; {
		select {
		case <-k.toKernel:
			k.collect(all)
		case <-end:
			k.t.Fatalf("%d answers, want %d", len(all), n)
		}
	}
	return all
}

func (k *kernel) collect(all map[uint16]answer) {
	for k.cleaned != atomic.LoadUint32(k.ring.word(mailboxTail)) {
		b, op, length, err := k.ring.at(k.cleaned)
		if err != nil {
			k.t.Fatal(err)
		}
		if op == opCommand {
			id := binary.NativeEndian.Uint16(b[entryID:])
			if _, open := k.vectors[id]; !open {
				k.t.Fatalf("command %d was answered twice, or there is none", id)
			}
			a := answer{status: b[replyStatus], sense: append([]byte(nil), b[replySense:replySense+replyBytes]...)}
			if b[entryUserFlags]&flagReadLength != 0 {
				a.length = binary.NativeEndian.Uint32(b[replyLength:])
			}
			for _, v := range k.vectors[id] {
				a.data = append(a.data, v...)
			}
			delete(k.vectors, id)
			all[id] = a
		}
		k.cleaned = (k.cleaned + length) % ringSize
	}
}

// device answers by a function.
type device func(c target.Command) target.Outcome

func (d device) Do(c target.Command) target.Outcome { return d(c) }
func (d device) Tick() erase.Event                  { return erase.None }
func (d device) PowerCycle()                        {}
