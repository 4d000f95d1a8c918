package wipe

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
)

// read is how one request of a lying drive goes: what it brings, whatever it says of that.
type read struct {
	brought []Range // of the request
	stray   []Range // of the request; what is brought there belongs into the block after this one
	count   int
	err     error
}

// told makes a drive answer the reads at block with these, in turn, and any other read as a good drive does.
func told(block Range, reads ...read) func(*disk, []byte, int64) (int, error) {
	return func(d *disk, p []byte, off int64) (int, error) {
		if len(reads) == 0 || off < block.Offset || off >= block.End() {
			return d.get(p, off)
		}
		r := reads[0]
		reads = reads[1:]
		for _, b := range r.brought {
			d.get(p[b.Offset:min(b.End(), int64(len(p)))], off+b.Offset)
		}
		for _, b := range r.stray {
			d.get(p[b.Offset:b.End()], off+b.Offset+8*sector)
		}
		return min(r.count, len(p)), r.err
	}
}

// Whatever the buffer holds of what was before, a sector that was not brought is found: also where an earlier try at the
// same place brought it, or a write that went astray has put it into the block before.
func TestEarlierTriesDoNotMatch(t *testing.T) {
	const at, size, all = 64 * sector, 200 * sector, 8 * sector
	everything := []Range{{0, all}}
	for name, p := range patterns {
		for what, c := range map[string]struct {
			reads  []read
			astray bool // the block before holds what belongs here
			lost   Range
		}{
			"nothing":                        {[]read{{count: all}}, false, Range{at, all}},
			"nothing, after a write astray":  {[]read{{count: all}}, true, Range{at, all}},
			"after all of it and an error":   {[]read{{brought: everything, err: syscall.EIO}, {count: all}, {count: all}}, false, Range{at, all}},
			"after all of it and no count":   {[]read{{brought: everything}, {count: all}, {count: all}}, false, Range{at, all}},
			"after an interruption":          {[]read{{brought: everything, err: syscall.EINTR}, {count: all}}, false, Range{at, all}},
			"after a count and an error":     {[]read{{brought: everything, count: all, err: syscall.EIO}, {count: all}, {count: all}}, false, Range{at, all}},
			"after three of eight":           {[]read{{brought: everything, count: 3 * sector}, {count: all}}, false, Range{at + 3*sector, 5 * sector}},
			"only the first half":            {[]read{{brought: []Range{{0, all / 2}}, count: all}}, false, Range{at + all/2, all / 2}},
			"all but a few bytes in the end": {[]read{{brought: []Range{{0, all - 32}}, count: all}}, false, Range{at + all - sector, sector}},
			"all but a few bytes at first":   {[]read{{brought: []Range{{32, all - 32}}, count: all}}, false, Range{at, sector}},
		} {
			d, r := newDisk(size), small(p, size)
			r.Depth = 1 // one buffer for all
			mustWrite(t, r, d)
			lost := []Range{c.lost}
			if c.astray {
				p.Fill(d.data[at-all:at], at)
				if before := (Range{at - all, all}); !bytes.Equal(d.data[at-all:at], made(p, before)) {
					lost = append(lost, before)
				}
			}
			d.read = told(Range{at, all}, c.reads...)
			v := mustVerify(t, r, d)
			wantRanges(t, name+", "+what, v.Mismatched(), lost...)
			wantRanges(t, name+", "+what, v.Bad())
		}
	}
}

// The same where a try at the block before brought what belongs here, and said nothing of it; then all of that block is right.
func TestTriesThatStrayDoNotMatch(t *testing.T) {
	const at, size, all = 64 * sector, 200 * sector, 8 * sector
	whole, half := []Range{{0, all}}, []Range{{0, all / 2}}
	for name, p := range patterns {
		for what, reads := range map[string][]read{
			"an error":        {{stray: whole, err: syscall.EIO}, {brought: half, count: all / 2}, {brought: half, count: all / 2}},
			"an interruption": {{stray: whole, err: syscall.EINTR}, {brought: whole, count: all}},
			"a short count": {{brought: []Range{{0, 3 * sector}}, stray: []Range{{3 * sector, 5 * sector}}, count: 3 * sector},
				{brought: whole, count: 5 * sector}},
		} {
			d, r := newDisk(size), small(p, size)
			r.Depth = 1
			mustWrite(t, r, d)
			d.read = told(Range{at - all, 2 * all}, append(reads, read{count: all})...)
			v := mustVerify(t, r, d)
			wantRanges(t, name+", "+what, v.Mismatched(), Range{at, all})
		}
	}
}

func made(p Pattern, r Range) []byte {
	b := make([]byte, r.Length)
	p.Fill(b, r.Offset)
	return b
}

// gossip is a drive that brings a part of what it is asked for, says something else, and holds some sectors of other places.
// It keeps account of the sectors that must be found good.
type gossip struct {
	random *rand.Rand
	right  []bool // as it lies on the drive
	good   []bool // brought, right, and said to be so
	failed []bool // never said to be good
	hole   int    // bytes
}

func (g *gossip) read(d *disk, p []byte, off int64) (int, error) {
	if g.random.IntN(3) > 0 { // an honest one
		n, err := d.get(p, off)
		g.account(off, n/sector, nil)
		return n, err
	}
	left := map[int]bool{}
	for i := range len(p) / sector {
		part := p[i*sector : (i+1)*sector]
		at := off + int64(i*sector)
		switch g.random.IntN(6) {
		case 0:
			left[i] = true
		case 1:
			left[i] = true
			d.get(part[:sector-g.hole], at)
		case 2:
			left[i] = true
			d.get(part[g.hole:], at+int64(g.hole))
		default:
			d.get(part, at)
		}
	}
	switch n := g.random.IntN(len(p) + 1); g.random.IntN(4) {
	case 0:
		return 0, syscall.EIO
	case 1:
		return len(p), syscall.EIO
	case 2:
		g.account(off, n/sector, left)
		return n, nil
	}
	g.account(off, len(p)/sector, left)
	return len(p), nil
}

// account takes note of what was said about n sectors, of which some were left out.
func (g *gossip) account(off int64, n int, left map[int]bool) {
	for i := range n {
		at := int(off/sector) + i
		g.failed[at], g.good[at] = false, g.right[at] && !left[i]
	}
}

// Property: what is found good was brought, by the very read that said so, and is right. Everything else is on record.
func TestOnlyWhatWasBroughtIsGood(t *testing.T) {
	const sectors = 600
	for seed := range uint64(40) {
		for name, p := range patterns {
			random := rand.New(rand.NewPCG(seed, 9))
			d, r := newDisk(sectors*sector), small(p, sectors*sector)
			r.Depth, r.burst = 1+int(seed%3), 1+int(seed%2)
			mustWrite(t, r, d)
			g := &gossip{random: random, right: make([]bool, sectors), good: make([]bool, sectors), failed: make([]bool, sectors), hole: 1}
			if len(p.Key) > 0 {
				g.hole = 2 * 16
			}
			for i := range sectors {
				g.right[i], g.failed[i] = true, true
				if other := random.Int64N(sectors); random.IntN(20) == 0 {
					p.Fill(d.data[i*sector:(i+1)*sector], other*sector)
					g.right[i] = bytes.Equal(d.data[i*sector:(i+1)*sector], made(p, Range{int64(i) * sector, sector}))
				}
			}
			d.read = g.read
			v := mustVerify(t, r, d)
			var differ, failed []Range
			for i := range g.good {
				switch one := (Range{int64(i) * sector, sector}); {
				case g.failed[i]:
					failed = append(failed, one)
				case !g.good[i]:
					differ = append(differ, one)
				}
			}
			where := fmt.Sprintf("seed %d, %s", seed, name)
			wantRanges(t, where+", mismatched", v.Mismatched(), differ...)
			wantRanges(t, where+", unreadable", v.Bad(), failed...)
			if t.Failed() {
				return
			}
		}
	}
}
