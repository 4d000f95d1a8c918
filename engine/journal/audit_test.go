package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func openAudit(t testing.TB, path string) *Audit {
	t.Helper()
	a, err := OpenAudit(path)
	if err != nil {
		t.Fatalf("OpenAudit(%s) = %v; want no error", path, err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func someEntry(n int) Entry {
	code := n
	return Entry{Time: At(noon), Operator: "alice", Fingerprint: "SHA256:x", From: "10.0.0.1:5", Action: "command",
		Command: fmt.Sprintf("erase sd%c --note '\u00e9}\"'", 'a'+n), Exit: &code}
}

func appended(t testing.TB, a *Audit, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if seq, err := a.Append(someEntry(n)); err != nil || seq != uint64(n) {
			t.Fatalf("Append(%d) = %d, %v; want %d", n, seq, err, n)
		}
	}
}

// chain is a small audit file, as bytes.
func chain(t testing.TB, entries int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	a := openAudit(t, path)
	appended(t, a, 1, entries)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// verify says what Verify says of a file with these bytes.
func verify(t testing.TB, text []byte) (uint64, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	a := openAudit(t, path)
	n, err := a.Verify()
	_ = a.Close()
	return n, err
}

func TestAuditRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	a := openAudit(t, path)
	if n, err := a.Verify(); n != 0 || err != nil {
		t.Errorf("Verify() of an empty chain = %d, %v; want 0, nil", n, err)
	}
	appended(t, a, 1, 3)
	_ = a.Close()
	a = openAudit(t, path) // the chain goes on
	appended(t, a, 4, 6)
	if n, err := a.Verify(); n != 6 || err != nil {
		t.Errorf("Verify() = %d, %v; want 6, nil", n, err)
	}
	n, prev := 0, ""
	err := a.Entries(func(e Entry) error {
		n++
		want := someEntry(n)
		want.Seq, want.Prev = uint64(n), prev
		got, _ := json.Marshal(e)
		text, _ := json.Marshal(want)
		if !bytes.Equal(got, text) {
			t.Errorf("entry %d = %s; want %s", n, got, text)
		}
		body, _ := JSON(e)
		_, prev = seal(body)
		return nil
	})
	if n != 6 || err != nil {
		t.Errorf("Entries called back %d times, %v; want 6, nil", n, err)
	}
	stop := errors.New("enough")
	if err := a.Entries(func(Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("Entries(a function that fails) = %v; want its error", err)
	}
	text, _ := os.ReadFile(path)
	if at := bytes.IndexFunc(text, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); at >= 0 {
		t.Errorf("audit.jsonl has %q at %d; want printable ASCII", text[at], at)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode of audit.jsonl = %v; want 0600", info.Mode().Perm())
	}
}

// Not one byte of the chain can become another without somebody noticing. The very last line end is not of the chain:
// without it the last entry was never acknowledged, and is cut off and recorded.
func TestEveryChangedByteIsNoticed(t *testing.T) {
	good := chain(t, 3)
	if n, err := verify(t, good); n != 3 || err != nil {
		t.Fatalf("Verify() of the good chain = %d, %v; want 3, nil", n, err)
	}
	for at := range len(good) - 1 {
		changes := []byte{good[at] ^ 0x20, good[at] ^ 1, good[at] ^ 0x80, ' ', '\n', 0, '}', '"', '\r'}
		for _, to := range changes {
			if to == good[at] {
				continue
			}
			text := slices.Clone(good)
			text[at] = to
			if n, err := verify(t, text); err == nil {
				t.Errorf("Verify() with byte %d %q changed to %q = %d, nil; want an error", at, good[at], to, n)
			}
		}
	}
}

func TestMovedLinesAreNoticed(t *testing.T) {
	lines := bytes.SplitAfter(chain(t, 5), []byte("\n"))[:5]
	for _, test := range []struct {
		what  string
		order []int
		holds uint64
	}{
		{"without the first", []int{1, 2, 3, 4}, 0},
		{"without the second", []int{0, 2, 3, 4}, 1},
		{"without the fourth", []int{0, 1, 2, 4}, 3},
		{"two exchanged", []int{0, 2, 1, 3, 4}, 1},
		{"the last two exchanged", []int{0, 1, 2, 4, 3}, 3},
		{"backwards", []int{4, 3, 2, 1, 0}, 0},
		{"one twice", []int{0, 1, 1, 2, 3, 4}, 2},
		{"the last twice", []int{0, 1, 2, 3, 4, 4}, 5},
		{"all twice", []int{0, 1, 2, 3, 4, 0, 1, 2, 3, 4}, 5},
	} {
		var text []byte
		for _, n := range test.order {
			text = append(text, lines[n]...)
		}
		if n, err := verify(t, text); err == nil || n != test.holds {
			t.Errorf("Verify() of a chain %s = %d, %v; want %d and an error", test.what, n, err, test.holds)
		}
	}
	for _, more := range []string{"\n", "{}\n", "x\n", "null\n", "[1]\n", strings.Repeat("x", 1000) + "\n"} {
		for at := range lines {
			text := slices.Concat(bytes.Join(lines[:at], nil), []byte(more), bytes.Join(lines[at:], nil))
			if n, err := verify(t, text); err == nil || n != uint64(at) {
				t.Errorf("Verify() with the line %.10q put in before entry %d = %d, %v; want %d and an error", more, at+1, n, err, at)
			}
		}
	}
	// An entry that somebody forged with a good hash of its own does not fit to its neighbours.
	for at := range lines {
		var e Entry
		_ = json.Unmarshal(lines[at], &e)
		e.Operator = "mallory"
		body, _ := JSON(e)
		line, _ := seal(body)
		text := slices.Concat(bytes.Join(lines[:at], nil), line, []byte("\n"), bytes.Join(lines[at+1:], nil))
		if n, err := verify(t, text); at < 4 && err == nil {
			t.Errorf("Verify() with entry %d forged = %d, nil; want an error", at+1, n)
		}
	}
}

// A chain that does not hold is added to all the same, what is added can be read, and the break stays visible.
func TestBrokenChainGoesOn(t *testing.T) {
	good := chain(t, 4)
	for _, at := range []int{10, len(good) / 2, len(good) - 10} {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		text := slices.Clone(good)
		text[at] ^= 1
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			a := openAudit(t, path)
			if _, err := a.Append(someEntry(9)); err != nil {
				t.Errorf("Append to a chain broken at byte %d = %v; want no error", at, err)
			}
			if n, err := a.Verify(); err == nil {
				t.Errorf("Verify() of a chain broken at byte %d and added to = %d, nil; want an error", at, n)
			}
			_ = a.Close()
		}
		if text, _ := os.ReadFile(path); bytes.Count(text, []byte("\n")) != 6 {
			t.Errorf("a chain broken at byte %d and added to twice has %d lines; want 6", at, bytes.Count(text, []byte("\n")))
		}
	}
}

// One line that is no JSON must not hide the entries after it from who reads the audit.
func TestEntriesAfterABrokenLine(t *testing.T) {
	lines := bytes.SplitAfter(chain(t, 4), []byte("\n"))[:4]
	lines[1][0] = 'x'
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, bytes.Join(lines, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	var seen []uint64
	_ = openAudit(t, path).Entries(func(e Entry) error { seen = append(seen, e.Seq); return nil })
	if !slices.Contains(seen, 3) || !slices.Contains(seen, 4) {
		t.Errorf("Entries() of a chain whose line 2 is broken showed %v; want 3 and 4 among them", seen)
	}
}

// The machine stopped while an entry was written: what was there of it is cut off, and the chain says so.
func TestTornTail(t *testing.T) {
	good := chain(t, 3)
	for cut := 1; cut < len(good); cut++ {
		text := good[:len(good)-cut]
		whole := bytes.Count(text, []byte("\n"))
		torn := len(text) - (bytes.LastIndexByte(text, '\n') + 1)
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		a := openAudit(t, path)
		want := uint64(whole)
		if torn > 0 {
			want++
		}
		if n, err := a.Verify(); n != want || err != nil {
			t.Errorf("Verify() after %d bytes were torn off = %d, %v; want %d, nil", cut, n, err, want)
		}
		var last Entry
		_ = a.Entries(func(e Entry) error { last = e; return nil })
		if torn > 0 && (last.Action != "recovered" || !strings.Contains(last.Detail, fmt.Sprint(torn)) || last.Time.IsZero()) {
			t.Errorf("after %d bytes of an entry were found the last entry is %+v; want recovered, naming them", torn, last)
		}
		_ = a.Close()
		a = openAudit(t, path)
		if n, err := a.Verify(); n != want || err != nil {
			t.Errorf("Verify() after opening once more = %d, %v; want %d, nil", n, err, want)
		}
		_ = a.Close()
	}
}

func TestAuditAtOnce(t *testing.T) {
	a := openAudit(t, filepath.Join(t.TempDir(), "audit.jsonl"))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 10 {
				if _, err := a.Append(someEntry(1)); err != nil {
					t.Errorf("Append = %v; want no error", err)
				}
				if _, err := a.Verify(); err != nil {
					t.Errorf("Verify() meanwhile = %v; want no error", err)
				}
			}
		})
	}
	wait.Wait()
	if n, err := a.Verify(); n != 80 || err != nil {
		t.Errorf("Verify() = %d, %v; want 80, nil", n, err)
	}
}

// Entries that come while the disk is busy go to it together, as many as end on one page, in the order in which they came.
func TestAuditTogether(t *testing.T) {
	a := openAudit(t, filepath.Join(t.TempDir(), "audit.jsonl"))
	appended(t, a, 1, 3)
	var all []*waiting
	for n := 4; n <= 40; n++ {
		all = append(all, &waiting{entry: someEntry(n), turn: make(chan struct{}, 1)})
	}
	a.queue = slices.Clone(all)
	batches := 0
	for ; len(a.queue) > 0; batches++ {
		before, first := a.lines.size, len(all)-len(a.queue)
		a.keepNext()
		after := first
		for after < len(all) && all[after].done {
			after++
		}
		text, err := os.ReadFile(a.lines.file.Name())
		if err != nil || int64(len(text)) != a.lines.size || after == first {
			t.Fatalf("%d bytes are in the file, %d entries of %d were kept: %v", len(text), after, len(all), err)
		}
		head := before + int64(bytes.IndexByte(text[before:], '\n'))
		for n, w := range all[first:after] {
			if want := all[first].entry.Seq; n == 0 && w.entry.With != 0 || n > 0 && w.entry.With != want {
				t.Errorf("entry %d of a batch says it went with %d; want all but the first to say %d", n, w.entry.With, want)
			}
		}
		if end := a.lines.size - 1; head/pageSize != end/pageSize {
			t.Errorf("a batch whose first entry ends at byte %d ends at byte %d; want both on one page", head, end)
		}
	}
	for i, w := range all {
		if w.err != nil || w.entry.Seq != uint64(i)+4 {
			t.Errorf("entry %d came to number %d, %v", i+4, w.entry.Seq, w.err)
		}
	}
	if n, err := a.Verify(); n != 40 || err != nil || batches > 10 || batches < 2 {
		t.Errorf("Verify() after %d batches = %d, %v; want 40, nil", batches, n, err)
	}
}

// When the disk does not take a batch, none of its entries is there, and the next one follows what was kept before.
func TestBatchThatIsNotKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	a := openAudit(t, path)
	appended(t, a, 1, 3)
	writable := a.lines.file
	readOnly, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	a.lines.file = readOnly
	lost := []*waiting{{entry: someEntry(4), turn: make(chan struct{}, 1)}, {entry: someEntry(5), turn: make(chan struct{}, 1)}}
	a.queue = slices.Clone(lost)
	a.keepNext()
	for i, w := range lost {
		if !w.done || w.err == nil {
			t.Errorf("entry %d of a batch that was not kept: done %v, error %v", i, w.done, w.err)
		}
	}
	if _, err := a.Append(someEntry(6)); err == nil {
		t.Error("an entry was kept in a file that takes none")
	}
	a.lines.file = writable
	appended(t, a, 4, 5)
	if n, err := a.Verify(); n != 5 || err != nil {
		t.Errorf("Verify() = %d, %v; want 5, nil", n, err)
	}
}
