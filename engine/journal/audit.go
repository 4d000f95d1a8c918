package journal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Entry is one line of the audit: who did what, when, from where, with what result.
type Entry struct {
	Seq         uint64 `json:"seq"`
	Time        Time   `json:"time"`
	Operator    string `json:"operator"`
	Fingerprint string `json:"fingerprint"`
	Login       string `json:"login,omitempty"`
	From        string `json:"from"`
	Action      string `json:"action"`            // login, command, result, refused, lost, recovered
	Command     string `json:"command,omitempty"` // as typed
	Exit        *int   `json:"exit,omitempty"`    // result, refused: the exit code
	Detail      string `json:"detail,omitempty"`
	Of          uint64 `json:"of,omitempty"`   // result: the entry it is the result of
	With        uint64 `json:"with,omitempty"` // the first of the entries that it went to disk together with
	Prev        string `json:"prev"`           // hash of the entry before; empty in the first
}

// Audit is audit.jsonl: one JSON object a line, each ending in the SHA-256 of itself, each holding the hash of the one
// before, so that no entry can be changed, moved or taken out of the middle unseen.
type Audit struct {
	lines *lines
	seq   uint64 // of the last entry on disk
	prev  string // its hash

	queued sync.Mutex
	queue  []*waiting
	busy   bool // somebody is at the disk
}

// OpenAudit opens or creates the chain at path and finds its end. A chain that does not hold is still appended to: what
// happens from now on must be kept, and Verify keeps saying where it is broken.
func OpenAudit(path string) (*Audit, error) {
	l, torn, err := openLines(path, wentTogether)
	if err != nil {
		return nil, fmt.Errorf("open audit: %w", err)
	}
	a := &Audit{lines: l}
	err = a.each(l.size, func(line []byte) error {
		var e Entry
		if body, hash, ok := unseal(line); ok && json.Unmarshal(body, &e) == nil {
			a.seq, a.prev = e.Seq, hash
		}
		return nil
	})
	if err == nil && torn > 0 {
		_, err = a.Append(Entry{Time: At(time.Now()), Action: "recovered",
			Detail: fmt.Sprintf("%d bytes of unfinished, unacknowledged entries were cut off", torn)})
	}
	if err != nil {
		_ = l.file.Close()
		return nil, fmt.Errorf("open audit: %w", err)
	}
	return a, nil
}

// wentTogether tells of a line whether it went to disk together with the one before it.
func wentTogether(line []byte) bool {
	var e Entry
	body, _, ok := unseal(line)
	return ok && json.Unmarshal(body, &e) == nil && e.With != 0
}

// Append keeps an entry, fills in its number and its place in the chain, and returns the number. It is on disk when
// Append returns without an error. What is appended while the disk is busy goes there together, in the order in which it came.
func (a *Audit) Append(e Entry) (uint64, error) {
	w := &waiting{entry: e, turn: make(chan struct{}, 1)}
	if a.wait(w) {
		<-w.turn
	}
	if !w.done {
		a.keepNext() // w is the first of them
		a.pass()
	}
	if w.err != nil {
		return 0, w.err
	}
	return w.entry.Seq, nil
}

// waiting is an entry that is not on disk yet. Its line and hash are made when its turn comes: if the disk does not take an
// entry, the next one follows the one before that.
type waiting struct {
	entry Entry
	turn  chan struct{} // told when it is on disk, or the first of those to be put there
	done  bool
	err   error
}

// wait puts w into the queue and tells whether somebody is at the disk, who will say when it is w's turn.
func (a *Audit) wait(w *waiting) (busy bool) {
	a.queued.Lock()
	defer a.queued.Unlock()
	busy, a.busy = a.busy, true
	a.queue = append(a.queue, w)
	return busy
}

// pass leaves the disk to the first who waits.
func (a *Audit) pass() {
	a.queued.Lock()
	defer a.queued.Unlock()
	if a.busy = len(a.queue) > 0; a.busy {
		a.queue[0].turn <- struct{}{}
	}
}

// pageSize is how a disk's cache is divided. Entries that go to disk together end on one page: a power cut in between leaves the
// first of them, and not the last without the first.
const pageSize = 4096

// keepNext puts the first entry of the queue on disk, with those after it that end on the same page: all of them, or none.
func (a *Audit) keepNext() {
	a.lines.mu.Lock()
	defer a.lines.mu.Unlock()
	batch, lines, prev, err := a.next()
	if err == nil {
		err = a.lines.append(bytes.Join(lines, []byte("\n")))
	}
	if err == nil {
		a.seq, a.prev = a.seq+uint64(len(batch)), prev
	}
	for _, w := range batch {
		w.done, w.err = true, wrap("keep audit entry", err)
		w.turn <- struct{}{}
	}
}

// next takes a batch off the queue and continues the chain with it; prev is the hash of its last entry.
func (a *Audit) next() (batch []*waiting, lines [][]byte, prev string, err error) {
	a.queued.Lock()
	defer a.queued.Unlock()
	seq, end, page := a.seq, a.lines.size, int64(0)
	prev = a.prev
	for _, w := range a.queue {
		w.entry.Seq, w.entry.Prev, w.entry.With = seq+1, prev, 0
		if len(batch) > 0 {
			w.entry.With = a.seq + 1
		}
		body, failed := JSON(w.entry)
		line, hash := seal(body)
		end += int64(len(line)) + 1
		if len(batch) == 0 {
			page, err = (end-1)/pageSize, failed
		} else if failed != nil || (end-1)/pageSize != page {
			break
		}
		batch, lines, seq, prev = append(batch, w), append(lines, line), seq+1, hash
	}
	a.queue = slices.Delete(a.queue, 0, len(batch))
	return batch, lines, prev, err
}

// Entries calls f with each entry, oldest first, and stops at its first error. A line that is no entry any more comes as
// one whose action is "damaged": what stands around it must still be seen.
func (a *Audit) Entries(f func(Entry) error) error {
	size, _ := a.end()
	return a.each(size, func(line []byte) error {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			e = Entry{Action: "damaged", Detail: string(line[:min(len(line), 256)])}
		}
		return f(e)
	})
}

// Verify reads the whole chain and returns how many entries hold; the error names the first that does not.
func (a *Audit) Verify() (n uint64, err error) {
	size, last := a.end()
	prev := ""
	err = a.each(size, func(line []byte) error {
		var e Entry
		body, hash, ok := unseal(line)
		switch {
		case !ok:
			return fmt.Errorf("entry %d was changed: its hash does not fit", n+1)
		case json.Unmarshal(body, &e) != nil:
			return fmt.Errorf("entry %d is not an audit entry", n+1)
		case e.Seq != n+1 || e.Prev != prev:
			return fmt.Errorf("entry %d does not follow entry %d: something between them was taken out or put in", e.Seq, n)
		}
		prev, n = hash, n+1
		return nil
	})
	if err == nil && n < last {
		err = fmt.Errorf("entries %d to %d were taken off its end since this server wrote them", n+1, last)
	}
	return n, err
}

// Close closes the file.
func (a *Audit) Close() error { return a.lines.file.Close() }

// end is the length of the file and the number of its last entry, both at one moment.
func (a *Audit) end() (size int64, seq uint64) {
	a.lines.mu.Lock()
	defer a.lines.mu.Unlock()
	return a.lines.size, a.seq
}

// each calls f with every line up to size.
func (a *Audit) each(size int64, f func(line []byte) error) error {
	r := bufio.NewReader(io.NewSectionReader(a.lines.file, 0, size))
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read audit: %w", err)
		}
		if err := f(line[:len(line)-1]); err != nil {
			return err
		}
	}
}

// seal puts the hash of body into it as its last member; unseal takes it out again and checks it. They work on bytes,
// so that an entry with members of a later version still verifies.
func seal(body []byte) (line []byte, hash string) {
	sum := sha256.Sum256(body)
	hash = hex.EncodeToString(sum[:])
	return fmt.Appendf(bytes.TrimSuffix(bytes.Clone(body), []byte("}")), `,"hash":"%s"}`, hash), hash
}

func unseal(line []byte) (body []byte, hash string, ok bool) {
	const tail = len(`,"hash":""}`) + 2*sha256.Size
	if len(line) < tail {
		return nil, "", false
	}
	body = append(bytes.Clone(line[:len(line)-tail]), '}')
	again, hash := seal(body)
	return body, hash, bytes.Equal(again, line)
}
