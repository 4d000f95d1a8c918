// Package tcmu joins simulated drives to the kernel: the ring of target_core_user, by which commands come in and answers go out, and
// the folders in configfs that make a SCSI device of it through tcm_loop. It knows nothing of what commands mean.
package tcmu

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
	"unsafe"

	"wiped/cmd/drivesim/target"
)

// Offsets of struct tcmu_mailbox, tcmu_cmd_entry and tcmu_tmr_entry: linux/target_core_user.h, version 2.
const (
	mailboxRing, mailboxSize, mailboxHead, mailboxTail = 4, 8, 12, 64
	entryID, entryUserFlags                            = 4, 7
	requestVectors, requestCDB, requestVector          = 8, 24, 48
	replyStatus, replyLength, replySense, replyBytes   = 8, 12, 16, 96
	resetCount, resetIDs                               = 12, 32
	opPad, opCommand, opReset                          = 0, 1, 2
	flagReadLength                                     = 0x02
)

// ring is the memory that is shared with the kernel. Its user sees to it that only one goroutine is in it.
type ring struct {
	memory []byte
	read   uint32 // how far entries were taken
}

// entry is one thing that the kernel put into the ring.
type entry struct {
	id      uint16
	cdb     []byte
	vectors [][]byte // where data is, or goes to
	lost    []uint16 // commands that the kernel has given up
}

func (r *ring) word(at uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.memory[at])) }

func (r *ring) header() (start, size uint32) {
	return binary.NativeEndian.Uint32(r.memory[mailboxRing:]), binary.NativeEndian.Uint32(r.memory[mailboxSize:])
}

var errRing = errors.New("the ring is not as it should be")

// at is the entry at an offset of the ring.
func (r *ring) at(offset uint32) (b []byte, op byte, length uint32, err error) {
	start, size := r.header()
	from := uint64(start) + uint64(offset)
	if offset >= size || from+8 > uint64(len(r.memory)) {
		return nil, 0, 0, errRing
	}
	b = r.memory[from:]
	head := binary.NativeEndian.Uint32(b)
	op, length = byte(head&7), head&^7
	if length == 0 || uint64(length) > uint64(len(b)) || length > size-offset {
		return nil, 0, 0, errRing
	}
	return b[:length], op, length, nil
}

// next takes an entry; ok is false when there is none.
func (r *ring) next() (e entry, ok bool, err error) {
	_, size := r.header()
	for r.read != atomic.LoadUint32(r.word(mailboxHead)) {
		b, op, length, err := r.at(r.read)
		if err != nil {
			return e, false, err
		}
		switch op {
		case opCommand:
			e, err = r.command(b)
		case opReset:
			e, err = reset(b)
		}
		if err != nil {
			return e, false, err
		}
		if r.read = (r.read + length) % size; op != opCommand {
			r.settle()
		}
		if op != opPad {
			return e, true, nil
		}
	}
	return e, false, nil
}

// command reads struct tcmu_cmd_entry. The command block is copied, for the entry is overwritten by an answer.
func (r *ring) command(b []byte) (e entry, err error) {
	if len(b) < requestVector {
		return e, errRing
	}
	e.id = binary.NativeEndian.Uint16(b[entryID:])
	count := binary.NativeEndian.Uint32(b[requestVectors:])
	at := binary.NativeEndian.Uint64(b[requestCDB:])
	if uint64(count)*16 > uint64(len(b)-requestVector) || at >= uint64(len(r.memory)) {
		return e, errRing
	}
	e.cdb = append([]byte(nil), r.memory[at:min(at+16, uint64(len(r.memory)))]...)
	for i := range count {
		v := b[requestVector+16*i:]
		base, length := binary.NativeEndian.Uint64(v), binary.NativeEndian.Uint64(v[8:])
		if base > uint64(len(r.memory)) || length > uint64(len(r.memory))-base {
			return e, errRing
		}
		e.vectors = append(e.vectors, r.memory[base:base+length])
	}
	return e, nil
}

// reset reads struct tcmu_tmr_entry.
func reset(b []byte) (e entry, err error) {
	if len(b) < resetIDs {
		return e, errRing
	}
	count := binary.NativeEndian.Uint32(b[resetCount:])
	if uint64(count)*2 > uint64(len(b)-resetIDs) {
		return e, errRing
	}
	e.lost = make([]uint16, 0, count)
	for i := range count {
		e.lost = append(e.lost, binary.NativeEndian.Uint16(b[resetIDs+2*i:]))
	}
	return e, nil
}

// settle gives back to the kernel what is at the tail and wants no answer.
func (r *ring) settle() {
	_, size := r.header()
	for tail := *r.word(mailboxTail); tail != r.read; tail = *r.word(mailboxTail) {
		_, op, length, err := r.at(tail)
		if err != nil || op == opCommand {
			return
		}
		atomic.StoreUint32(r.word(mailboxTail), (tail+length)%size)
	}
}

// complete answers a command. Answers may come in any order: each takes the place of the oldest entry that has none.
func (r *ring) complete(e entry, reply target.Reply) error {
	r.settle()
	tail := *r.word(mailboxTail)
	b, op, length, err := r.at(tail)
	if err != nil || op != opCommand || tail == r.read || len(b) < replySense+replyBytes {
		return errRing
	}
	moved := 0
	for _, v := range e.vectors {
		moved += copy(v, reply.Data[moved:])
	}
	binary.NativeEndian.PutUint16(b[entryID:], e.id)
	clear(b[replyStatus : replySense+replyBytes])
	b[entryUserFlags], b[replyStatus] = 0, reply.Status
	if len(reply.Data) > 0 {
		b[entryUserFlags] = flagReadLength
		binary.NativeEndian.PutUint32(b[replyLength:], uint32(moved))
	}
	copy(b[replySense:replySense+replyBytes], reply.Sense)
	_, size := r.header()
	atomic.StoreUint32(r.word(mailboxTail), (tail+length)%size)
	r.settle()
	return nil
}
