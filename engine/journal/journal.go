package journal

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// schema is the version of what stands in journal.db; a larger one was written by a newer wiped.
const schema = 1

// Errors of Open a caller tells apart.
var (
	ErrInUse = errors.New("journal is in use by another process")
	ErrNewer = errors.New("journal was written by a newer version")
	// ErrDamaged may come from any method.
	ErrDamaged = errors.New("journal is damaged")
)

// ErrNotFound says that no job has this id, ErrEnded that it has an end already, ErrNotEnded that it has none yet.
var (
	ErrNotFound = errors.New("no such job")
	ErrEnded    = errors.New("the job has ended already")
	ErrNotEnded = errors.New("the job has not ended")
)

// The buckets: jobs holds one bucket for each job, open and ended are indexes so that a start or a listing does not
// have to read the jobs of years.
var (
	bucketMeta  = []byte("meta")
	bucketJobs  = []byte("jobs")
	bucketOpen  = []byte("open")  // id -> nothing, for each job without an end
	bucketEnded = []byte("ended") // time of the end, id -> nothing

	keySchema     = []byte("schema")
	keyJob        = []byte("job")
	keyCheckpoint = []byte("checkpoint")
	keyEnd        = []byte("end")
	keyChanges    = []byte("changes") // bucket: seq -> Event
)

// Journal is journal.db. Its methods may be called from any goroutine; those that write return after an fsync.
type Journal struct{ db *bolt.DB }

// Open opens or creates the journal and locks it against every other process. It fails with ErrInUse if another
// one holds it and with ErrNewer if it cannot know what is written there.
func Open(path string) (*Journal, error) {
	j := &Journal{}
	err := sound(func() (err error) {
		j.db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: 200 * time.Millisecond, FreelistType: bolt.FreelistMapType})
		return err
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		err = ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	err = j.write(prepare)
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = sound(j.db.Close)
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	return j, nil
}

// sound runs what reads the file. The library takes a damaged file for a defect of its own and panics, or follows a wrong
// offset out of its memory; here that is an error like any other.
func sound(op func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	return op()
}

func (j *Journal) write(op func(*bolt.Tx) error) error {
	return sound(func() error { return j.db.Update(op) })
}

func (j *Journal) read(op func(*bolt.Tx) error) error {
	return sound(func() error { return j.db.View(op) })
}

func prepare(tx *bolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketJobs, bucketOpen, bucketEnded} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(bucketMeta)
	have := meta.Get(keySchema)
	switch {
	case have == nil:
		return meta.Put(keySchema, number(schema))
	case len(have) != 8:
		return fmt.Errorf("schema number has %d bytes", len(have))
	case binary.BigEndian.Uint64(have) > schema:
		return fmt.Errorf("%w: it has schema %d, this program knows %d", ErrNewer, binary.BigEndian.Uint64(have), schema)
	}
	return nil
}

// Close ends the use of the journal.
func (j *Journal) Close() error { return j.db.Close() }

// Submit keeps new jobs, all or none, and gives each its id.
func (j *Journal) Submit(jobs ...*Job) error {
	err := j.write(func(tx *bolt.Tx) error {
		all := tx.Bucket(bucketJobs)
		for _, job := range jobs {
			id, err := all.NextSequence()
			if err != nil {
				return err
			}
			job.ID = id
			b, err := all.CreateBucket(number(id))
			if err != nil {
				return err
			}
			if err := errors.Join(put(b, keyJob, job), tx.Bucket(bucketOpen).Put(number(id), nil)); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("keep new jobs", err)
}

// Change keeps a change of state.
func (j *Journal) Change(e Event) error {
	return j.update("keep a change", e.Job, func(b *bolt.Bucket) error { return putIn(b, keyChanges, e.Seq, e) })
}

// Checkpoint replaces the job's checkpoint.
func (j *Journal) Checkpoint(id uint64, c Checkpoint) error {
	return j.update("keep a checkpoint", id, func(b *bolt.Bucket) error { return put(b, keyCheckpoint, c) })
}

// End keeps the end of a job together with its last event. A job ends once: a second end is an error.
func (j *Journal) End(id uint64, end End, last Event) error {
	return j.update("keep the end", id, func(b *bolt.Bucket) error {
		if b.Get(keyEnd) != nil {
			return ErrEnded
		}
		tx, key := b.Tx(), number(id)
		return errors.Join(
			put(b, keyEnd, end),
			putIn(b, keyChanges, last.Seq, last),
			tx.Bucket(bucketOpen).Delete(key),
			tx.Bucket(bucketEnded).Put(append(number(uint64(end.Ended.UnixMicro())), key...), nil),
		)
	})
}

// Renew gives the end of a job that has one a later number and instant, and returns its last event. An End that failed may be on
// record all the same: when the last sync of a transaction fails, the library shows what it wrote to every later one. What Renew
// returns is on disk, for the transactions before it are reached from its own meta page.
func (j *Journal) Renew(id, seq uint64, at Time) (last Event, err error) {
	err = j.update("keep the end", id, func(b *bolt.Bucket) error {
		r, err := record(b.Tx(), id)
		if err != nil {
			return err
		}
		said := slices.IndexFunc(r.Changes, func(e Event) bool { return r.End != nil && e.Outcome != nil && e.Result == r.End.Result })
		if said < 0 {
			return ErrNotEnded
		}
		ended, key := b.Tx().Bucket(bucketEnded), number(id)
		last = r.Changes[said]
		before, old := r.End.Ended, last.Seq
		r.End.Ended, last.Time, last.Seq = at, at, seq
		return errors.Join(
			b.Bucket(keyChanges).Delete(number(old)), putIn(b, keyChanges, seq, last), put(b, keyEnd, r.End),
			ended.Delete(append(number(uint64(before.UnixMicro())), key...)), ended.Put(append(number(uint64(at.UnixMicro())), key...), nil),
		)
	})
	return last, err
}

func (j *Journal) update(what string, id uint64, change func(*bolt.Bucket) error) error {
	err := j.write(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketJobs).Bucket(number(id))
		if b == nil {
			return ErrNotFound
		}
		return change(b)
	})
	return wrap(fmt.Sprintf("%s of job %d", what, id), err)
}

func put(b *bolt.Bucket, key []byte, v any) error {
	text, err := JSON(v)
	if err != nil {
		return err
	}
	return b.Put(key, text)
}

func putIn(b *bolt.Bucket, name []byte, n uint64, v any) error {
	in, err := b.CreateBucketIfNotExists(name)
	if err != nil {
		return err
	}
	return put(in, number(n), v)
}

func get(b *bolt.Bucket, key []byte, v any) error {
	if err := json.Unmarshal(b.Get(key), v); err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	return nil
}

// number is a key that sorts as the number does.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
