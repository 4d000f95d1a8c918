//go:build crash

package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
)

const crashSector = 512

// crashDrive is a drive as the suite sees it: the bytes behind it, and what stood there before.
type crashDrive struct {
	name, serial string
	size         int64
	salt         uint64                 // makes the old content of each sector another, in each round
	content      func() ([]byte, error) // reads the medium past everything that is tested
	fill         func([]byte) error     // writes it, while no job has the drive
}

// old fills buf with the old content of a sector.
func (d *crashDrive) old(buf []byte, sector int64) {
	random := rand.NewPCG(d.salt, uint64(sector))
	for at := 0; at < len(buf); at += 8 {
		binary.LittleEndian.PutUint64(buf[at:], random.Uint64())
	}
}

// oldContent is that of the whole drive.
func (d *crashDrive) oldContent() []byte {
	all := make([]byte, d.size)
	for sector := int64(0); sector < d.size/crashSector; sector++ {
		d.old(all[sector*crashSector:][:crashSector], sector)
	}
	return all
}

// leaves is what a pass leaves on a drive, made by nothing of wiped's. One of its fields is set; none: it is not known.
type leaves struct {
	drive *crashDrive // set: its old content
	fixed []byte      // repeated from byte 0 on
	key   []byte      // AES-256 in counter mode, the counter 0 at byte 0
}

func (l leaves) known() bool { return l.drive != nil || l.fixed != nil || l.key != nil }

// stream calls f with what a drive of that size should hold, a chunk at a time, until f returns false.
func (l leaves) stream(size int64, f func(off int64, want []byte) bool) {
	chunk := int64(1 << 20)
	var counter cipher.Stream
	if l.key != nil {
		block, err := aes.NewCipher(l.key)
		if err != nil {
			panic(err)
		}
		counter = cipher.NewCTR(block, make([]byte, aes.BlockSize))
	}
	buf := make([]byte, chunk)
	if n := int64(len(l.fixed)); n > 0 { // whole periods, so that each chunk is the same
		chunk = chunk / n * n
		buf = bytes.Repeat(l.fixed, int(chunk/n))
	}
	for off := int64(0); off < size; off += chunk {
		want := buf[:min(chunk, size-off)]
		switch {
		case l.drive != nil:
			for at := 0; at < len(want); at += crashSector {
				l.drive.old(want[at:min(at+crashSector, len(want))], (off+int64(at))/crashSector)
			}
		case counter != nil:
			clear(want)
			counter.XORKeyStream(want, want)
		}
		if !f(off, want) {
			return
		}
	}
}

// all is the whole content that a pass leaves.
func (l leaves) all(size int64) []byte {
	content := make([]byte, 0, size)
	l.stream(size, func(_ int64, want []byte) bool { content = append(content, want...); return true })
	return content
}

// crashMethods are the methods of the suite and what their passes leave; nil is what only the certificate knows.
var crashMethods = map[string][][]byte{
	"zero":     {{0}},
	"one":      {{0xff}},
	"random":   {nil},
	"dod-3":    {{0}, {0xff}, nil},
	"vsitr":    {{0}, {0xff}, {0}, {0xff}, {0}, {0xff}, {0xaa}},
	"ops-ii":   {{0}, {0xff}, {0}, {0xff}, {0}, {0xff}, nil},
	"schneier": {{0xff}, {0}, nil, nil, nil, nil, nil},
	"gutmann":  make([][]byte, 35),
}

// claim is what a restart showed of a job, beside what was on the drive at that time: that below offset it holds what a pass
// leaves, and above it that or what the pass before left.
type claim struct {
	job    *crashJob
	when   string
	pass   int // counted from 1
	offset int64
	held   []byte
}

// pattern is what is known of a pass without asking wiped; pass 0 is what was there before.
func (j *crashJob) pattern(pass int) leaves {
	switch {
	case pass == 0:
		return leaves{drive: j.drive}
	case pass <= len(j.passes):
		return j.passes[pass-1]
	}
	return leaves{}
}

// checkNow holds a claim against the drive as far as that can be done before the job's certificate tells its keys.
func (c claim) checkNow() error {
	area := c.held[:c.offset]
	if want := c.job.pattern(c.pass); want.known() {
		return c.compare(area, want)
	}
	for pass := range c.pass { // random bytes: whatever they are, nothing of what stood there before
		before := c.job.pattern(pass)
		if !before.known() {
			continue
		}
		var err error
		before.stream(int64(len(area)), func(off int64, old []byte) bool {
			for at := 0; at+crashSector <= len(old); at += crashSector {
				if bytes.Equal(area[off+int64(at):][:crashSector], old[at:at+crashSector]) {
					err = fmt.Errorf("%s: pass %d is claimed below byte %d, and the sector at byte %d holds what pass %d left",
						c.when, c.pass, c.offset, off+int64(at), pass)
				}
			}
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c claim) compare(area []byte, want leaves) (err error) {
	want.stream(int64(len(area)), func(off int64, want []byte) bool {
		if got := area[off:][:len(want)]; !bytes.Equal(got, want) {
			at := 0
			for got[at] == want[at] {
				at++
			}
			err = fmt.Errorf("%s: pass %d is claimed below byte %d, and byte %d is %#02x instead of %#02x",
				c.when, c.pass, c.offset, off+int64(at), got[at], want[at])
		}
		return err == nil
	})
	return err
}

// checkLater holds a claim against the drive of then with the keys of the certificate: every byte, those above the claim too.
func (c claim) checkLater() error {
	want, before := c.job.pattern(c.pass), c.job.pattern(c.pass-1)
	if !want.known() || !before.known() {
		return fmt.Errorf("%s: the certificate does not say what passes %d and %d leave", c.when, c.pass-1, c.pass)
	}
	if err := c.compare(c.held[:c.offset], want); err != nil {
		return err
	}
	size := int64(len(c.held))
	if c.offset == size {
		return nil
	}
	now, then := want.all(size), before.all(size)
	for at := c.offset / crashSector * crashSector; at < size; at += crashSector {
		end := min(at+crashSector, size)
		if got := c.held[at:end]; !bytes.Equal(got, now[at:end]) && !bytes.Equal(got, then[at:end]) {
			return fmt.Errorf("%s: the sector at byte %d, above what pass %d had come to, holds neither what it leaves nor what was there before",
				c.when, at, c.pass)
		}
	}
	return nil
}

// crashCertificate is what the suite reads of a certificate.
type crashCertificate struct {
	Result string
	Passes []struct {
		Pattern struct{ Bytes, Key string }
		Run     *struct{ Complete bool }
	}
}

// learn takes the patterns of all passes out of a certificate. What the suite knew before must be said there too.
func (j *crashJob) learn(document []byte) (c crashCertificate, err error) {
	if err := json.Unmarshal(document, &c); err != nil {
		return c, err
	}
	if len(c.Passes) != len(j.passes) {
		return c, fmt.Errorf("the certificate of job %d has %d passes, and %s has %d", j.id, len(c.Passes), j.method, len(j.passes))
	}
	for n, p := range c.Passes {
		var l leaves
		if p.Pattern.Key != "" {
			l.key, err = hex.DecodeString(p.Pattern.Key)
		} else {
			l.fixed, err = hex.DecodeString(p.Pattern.Bytes)
		}
		if err != nil || !l.known() || len(l.fixed)+len(l.key) == 0 {
			return c, fmt.Errorf("pass %d of job %d has no pattern: %v", n+1, j.id, err)
		}
		if want := crashMethods[j.method][n]; want != nil && !bytes.Equal(want, l.fixed) {
			return c, fmt.Errorf("the certificate of job %d says that pass %d leaves %x, and %s leaves %x", j.id, n+1, l.fixed, j.method, want)
		}
		j.passes[n] = l
	}
	return c, nil
}

// alone opens a drive's file while no program is being started: that would have it open too for a moment, and wiped refuses such a drive.
func alone(f func() error) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return f()
}

// fileContent reads a drive that is a file.
func fileContent(file string, size int64) func() ([]byte, error) {
	return func() (content []byte, err error) {
		err = alone(func() error { content, err = os.ReadFile(file); return err })
		if err == nil && int64(len(content)) < size {
			err = fmt.Errorf("%s has %d bytes, and the drive %d", file, len(content), size)
		}
		if err != nil {
			return nil, err
		}
		return content[:size], nil
	}
}
