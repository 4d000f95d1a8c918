package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// readAll opens a journal and reads all that is in it. A panic is what must never come out of it.
func readAll(path string) (broke any, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // the file is mapped: a read beside it is a fault
	defer func() { broke = recover() }()
	j, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	_, err1 := j.Unfinished()
	_, err2 := j.EndedSince(time.Time{})
	_, err3 := j.Job(1)
	return nil, errors.Join(err1, err2, err3)
}

// readChild does it in a process of its own, which a corrupt file may bring down.
func readChild() int {
	broke, err := readAll(os.Getenv("WIPED_TEST_PATH"))
	if broke != nil {
		fmt.Printf("panic: %v", broke)
		return 1
	}
	fmt.Print(err)
	return 0
}

func smallJournal(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	submit(t, j, "sdb", "sdc")
	for _, err := range []error{
		j.Change(someEvent(1, 1, "queued")), j.Checkpoint(1, Checkpoint{Pass: 2, Offset: 5, Done: []PassRun{someRun()}}),
		j.End(1, someEnd(noon, "erased"), lastEvent(1, 2, "erased")), j.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A journal that a failing disk has garbled is an error that says so: the server does not start, and does not crash.
func TestGarbledJournal(t *testing.T) {
	good := smallJournal(t)
	page := os.Getpagesize()
	type damage struct {
		what string
		make func([]byte) []byte
	}
	var all []damage
	for at := 0; at < len(good); at += page {
		for _, b := range []byte{0, 0xff, 0x5a} {
			all = append(all, damage{fmt.Sprintf("page %d filled with %#x", at/page, b), func(text []byte) []byte {
				for n := range page {
					text[at+n] = b
				}
				return text
			}})
		}
		all = append(all, damage{fmt.Sprintf("cut off before page %d", at/page), func(text []byte) []byte { return text[:at] }})
		all = append(all, damage{fmt.Sprintf("cut off within page %d", at/page), func(text []byte) []byte { return text[:at+page/2] }})
	}
	path := filepath.Join(t.TempDir(), "journal.db")
	for _, d := range all {
		if err := os.WriteFile(path, d.make(append([]byte(nil), good...)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := child(t, "read", path); err != nil {
			first, _, _ := strings.Cut(out, "\n")
			t.Errorf("reading a journal with %s: %v: %s; want an error", d.what, err, first)
		}
	}
}

// FuzzOpenJournal changes a few bytes of a small journal, anywhere.
func FuzzOpenJournal(f *testing.F) {
	good := smallJournal(f)
	f.Add(uint32(0), []byte{}, uint32(0), []byte{})
	for at := 0; at < len(good); at += os.Getpagesize() {
		f.Add(uint32(at), []byte{0xff, 0xff}, uint32(at+16), []byte{7})
	}
	path := filepath.Join(f.TempDir(), "journal.db")
	f.Fuzz(func(t *testing.T, at1 uint32, new1 []byte, at2 uint32, new2 []byte) {
		text := append([]byte(nil), good...)
		copy(text[int(at1)%len(text):], new1)
		copy(text[int(at2)%len(text):], new2)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if broke, _ := readAll(path); broke != nil {
			t.Errorf("reading a journal with %x at %d and %x at %d: panic: %v; want an error", new1, int(at1)%len(text), new2, int(at2)%len(text), broke)
		}
	})
}

// What stands in a record may be anything: reading gives an error or a record, never a panic.
func FuzzRecord(f *testing.F) {
	seed, _ := JSON(someJob("sdb"))
	change, _ := JSON(someEvent(1, 1, "running"))
	end, _ := JSON(someEnd(noon, "erased"))
	point, _ := JSON(Checkpoint{Time: At(noon), Bad: []Range{{1, 2}}, Done: []PassRun{someRun()}})
	f.Add(seed, change, point, end)
	f.Add([]byte("{}"), []byte("null"), []byte("[]"), []byte(`{"started":1}`))
	f.Add([]byte(`{"id":-1}`), []byte(`{"result":null}`), []byte(`{"time":"x"}`), []byte(`{"started":null,"ended":"2026-06-01T12:00:00Z"}`))
	j := open(f, filepath.Join(f.TempDir(), "journal.db"))
	j.db.NoSync = true
	submit(f, j, "sdb")
	f.Fuzz(func(t *testing.T, job, change, point, end []byte) {
		err := j.db.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket(bucketJobs).Bucket(number(1))
			changes, err1 := b.CreateBucketIfNotExists(keyChanges)
			return errors.Join(err1, b.Put(keyJob, job), b.Put(keyCheckpoint, point), b.Put(keyEnd, end),
				changes.Put(number(1), change))
		})
		if err != nil {
			t.Skip(err)
		}
		r, err := j.Job(1)
		good := json.Valid(job) && json.Valid(change) && json.Valid(point) && json.Valid(end)
		if err == nil && !good {
			t.Errorf("Job(1) = %+v, nil from text that is not JSON; want an error", r)
		}
		_, _ = j.Unfinished()
	})
}
