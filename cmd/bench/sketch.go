package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The yardstick: what four goroutines can do that only move blocks of 1 MiB by direct I/O from and to mapped buffers, with no job, no
// progress, no journal and nobody watching.
const (
	sketchWorkers = 4
	sketchBlock   = mib
)

// fill makes the content of the block at off.
type fill func(block []byte, off int64)

func fillZeros([]byte, int64) {}

// fillStream makes AES-CTR blocks under a key of so many bytes.
func fillStream(keyBytes int) fill {
	c, err := aes.NewCipher(bytes.Repeat([]byte{7}, keyBytes))
	if err != nil {
		panic(err) // the number of bytes is ours
	}
	zeros := make([]byte, 16*kib) // stays in the first-level cache
	return func(block []byte, off int64) {
		iv := make([]byte, aes.BlockSize)
		binary.BigEndian.PutUint64(iv[8:], uint64(off)/aes.BlockSize)
		ctr := cipher.NewCTR(c, iv)
		for len(block) > 0 {
			n := min(len(block), len(zeros))
			ctr.XORKeyStream(block, zeros[:n])
			block = block[n:]
		}
	}
}

// sketchWrite writes a whole device.
func sketchWrite(d device, content fill) (moved, error) {
	return sketch(d, unix.O_WRONLY, func(fd int, want, _ []byte, off int64) error {
		content(want, off)
		return exactly(unix.Pwrite(fd, want, off))(want)
	})
}

// sketchRead reads a whole device and compares it.
func sketchRead(d device, content fill) (moved, error) {
	return sketch(d, unix.O_RDONLY, func(fd int, want, got []byte, off int64) error {
		if err := exactly(unix.Pread(fd, got, off))(got); err != nil {
			return err
		}
		content(want, off)
		if !bytes.Equal(want, got) {
			return fmt.Errorf("the block at %d holds something else", off)
		}
		return nil
	})
}

func exactly(n int, err error) func(block []byte) error {
	return func(block []byte) error {
		if err == nil && n != len(block) {
			err = fmt.Errorf("%d bytes moved, not %d", n, len(block))
		}
		return err
	}
}

// sketch has its workers do one thing with every block of a device.
func sketch(d device, mode int, do func(fd int, want, got []byte, off int64) error) (moved, error) {
	fd, err := unix.Open(d.path, mode|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		return moved{}, fmt.Errorf("open %s: %w", d.path, err)
	}
	defer unix.Close(fd)
	var next atomic.Int64
	worker := func() error {
		buf, err := unix.Mmap(-1, 0, 2*sketchBlock, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Munmap(buf) }()
		for {
			off := next.Add(sketchBlock) - sketchBlock
			if off >= d.size {
				return nil
			}
			n := min(sketchBlock, d.size-off)
			if err := do(fd, buf[:n], buf[sketchBlock:][:n], off); err != nil {
				return err
			}
		}
	}
	return timed(d.size, func() error {
		var all sync.WaitGroup
		errs := make([]error, sketchWorkers)
		for i := range errs {
			all.Go(func() { errs[i] = worker() })
		}
		all.Wait()
		return errors.Join(errs...)
	})
}

// timed measures what this process does itself.
func timed(bytes int64, do func() error) (moved, error) {
	began, cpu := time.Now(), ownCPU()
	err := do()
	return moved{bytes, time.Since(began), ownCPU() - cpu}, err
}

// ownCPU is the processor time that this process has used.
func ownCPU() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// sketching is a contender.
func sketching(name, what string, run func() (moved, error)) contender {
	return contender{name, func() (map[string]float64, error) {
		m, err := run()
		return m.figures(what), err
	}}
}

// streamAlone makes a key stream over so many bytes in one block of memory, and does nothing with it.
func streamAlone(bytes int64, content fill) (moved, error) {
	buf := make([]byte, sketchBlock)
	return timed(bytes, func() error {
		for off := int64(0); off < bytes; off += sketchBlock {
			content(buf, off)
		}
		return nil
	})
}
