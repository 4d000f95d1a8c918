package journal

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// longEntry is an entry whose line takes several sectors.
func longEntry(n, size int) Entry {
	e := someEntry(n)
	e.Command = strings.Repeat("x", size)
	return e
}

// unacknowledged is an audit file with acknowledged entries, and with more behind them that go to disk together; from is where
// those begin.
func unacknowledged(t *testing.T, acknowledged []Entry, batch ...Entry) (text []byte, from int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	a := openAudit(t, path)
	for _, e := range acknowledged {
		if _, err := a.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	from = int(a.lines.size)
	for _, e := range batch {
		a.queue = append(a.queue, &waiting{entry: e, turn: make(chan struct{}, 1)})
	}
	if a.keepNext(); len(a.queue) > 0 {
		t.Fatalf("%d entries of %d did not go with the others", len(a.queue), len(batch))
	}
	_ = a.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text, from
}

// TestTornInTheMiddle: the power fails while entries go to disk. Whichever of their sectors are there, and whatever length the file
// has: the chain holds, what was acknowledged is there, and what was cut off is on record.
func TestTornInTheMiddle(t *testing.T) {
	short := []Entry{someEntry(1), someEntry(2), someEntry(3)}
	for what, test := range map[string]struct{ acknowledged, batch []Entry }{
		"one line":                             {short, []Entry{longEntry(4, 3000)}},
		"the first line of all":                {nil, []Entry{longEntry(1, 3000)}},
		"several lines":                        {short[:1], []Entry{someEntry(2), longEntry(3, 700), someEntry(4), someEntry(5), someEntry(6)}},
		"several lines after several lines":    {nil, []Entry{someEntry(1), someEntry(2), longEntry(3, 600), someEntry(4), someEntry(5), someEntry(6), someEntry(7)}},
		"a long line and short ones behind it": {short, []Entry{longEntry(4, 4096), someEntry(5), someEntry(6)}},
	} {
		t.Run(what, func(t *testing.T) {
			text, from := unacknowledged(t, test.acknowledged, test.batch...)
			var sectors []int // where each begins, as far as it is of the batch
			for at := from; at < len(text); at = (at/sectorSize + 1) * sectorSize {
				sectors = append(sectors, at)
			}
			lengths := append(slices.Clone(sectors[1:]), len(text), (len(text)/pageSize+1)*pageSize)
			for n := range min(1<<len(sectors), 100) {
				there, left := n, slices.Clone(text)
				if len(sectors) > 6 {
					there = rand.IntN(1 << len(sectors))
				}
				for n, at := range sectors {
					if there>>n&1 == 0 {
						clear(left[at:min(len(left), (at/sectorSize+1)*sectorSize)])
					}
				}
				size := lengths[rand.IntN(len(lengths))]
				left = append(left, make([]byte, pageSize)...)[:size]
				mended(t, fmt.Sprintf("%b of %d sectors, %d bytes", there, len(sectors), size), left, from, len(test.acknowledged))
			}
		})
	}
}

// mended opens what a power cut left of a file of which the first acknowledged entries, from bytes, are to be there.
func mended(t *testing.T, what string, left []byte, from, acknowledged int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, left, 0o600); err != nil {
		t.Fatal(err)
	}
	a := openAudit(t, path)
	defer a.Close()
	n, err := a.Verify()
	if err != nil || n < uint64(acknowledged) {
		t.Errorf("%s: Verify() = %d, %v; want %d or more, nil", what, n, err, acknowledged)
	}
	now, _ := os.ReadFile(path)
	if !bytes.HasPrefix(now, left[:from]) || bytes.IndexByte(now, 0) >= 0 {
		t.Errorf("%s: what was acknowledged was changed, or zeros are left", what)
	}
	var last Entry
	_ = a.Entries(func(e Entry) error { last = e; return nil })
	if cut := len(left) - bytes.Index(now, []byte(`{"seq":`+fmt.Sprint(n)+`,`)); last.Action == "recovered" && !strings.Contains(last.Detail, fmt.Sprint(cut)) {
		t.Errorf("%s: %q is on record; want %d bytes", what, last.Detail, cut)
	} else if last.Action != "recovered" && bytes.IndexByte(left, 0) >= 0 {
		t.Errorf("%s: nothing is on record of what was cut off", what)
	}
}

// TestDamageIsNotTorn: what was acknowledged and is zeros now was not torn, and is not cut off: Verify tells, and the file is as it was.
func TestDamageIsNotTorn(t *testing.T) {
	all := []Entry{longEntry(1, 2000), longEntry(2, 2000), someEntry(3), someEntry(4)}
	text, from := unacknowledged(t, all, longEntry(5, 1000))
	last := bytes.LastIndexByte(text[:from-1], '\n') + 1
	damaged := func(what string, at, to int) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		now := slices.Clone(text)
		clear(now[at:to])
		if err := os.WriteFile(path, now, 0o600); err != nil {
			t.Fatal(err)
		}
		a := openAudit(t, path)
		defer a.Close()
		if n, err := a.Verify(); err == nil {
			t.Errorf("%s: Verify() = %d, nil; want an error", what, n)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(after, now) {
			t.Errorf("%s: the file was changed", what)
		}
	}
	for at := 0; at < len(text)-1; at += 1 + rand.IntN(50) {
		damaged(fmt.Sprintf("byte %d of %d", at, len(text)), at, at+1)
	}
	for at := 0; at+sectorSize < last; at += sectorSize {
		damaged(fmt.Sprintf("the sector at byte %d", at), at, at+sectorSize)
	}
	damaged("all sectors of the first line but its ends", sectorSize, 2*sectorSize)
}

// TestTornMessage: a message of which a sector is missing was not acknowledged; the one before it was.
func TestTornMessage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "messages.txt")
	m, err := OpenMessages(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", strings.Repeat("second ", 300)} {
		if err := m.Save(noon, "alice", text); err != nil {
			t.Fatal(err)
		}
	}
	_ = m.Close()
	whole, _ := os.ReadFile(path)
	for _, test := range []struct{ from, to, want int }{{sectorSize, 2 * sectorSize, 1}, {sectorSize + 1, 2 * sectorSize, 2}, {10, 11, 2}} {
		left := slices.Clone(whole)
		clear(left[test.from:test.to])
		if err := os.WriteFile(path, left, 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err = OpenMessages(path); err != nil {
			t.Fatal(err)
		}
		if all, err := allMessages(m); len(all) != test.want || err != nil {
			t.Errorf("with zeros from %d to %d there are %d messages, %v; want %d", test.from, test.to, len(all), err, test.want)
		}
		_ = m.Close()
	}
}
