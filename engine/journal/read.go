package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Job reads all that is kept of one job, or ErrNotFound.
func (j *Journal) Job(id uint64) (r Record, err error) {
	err = j.read(func(tx *bolt.Tx) error {
		r, err = record(tx, id)
		return err
	})
	return r, wrap(fmt.Sprintf("read job %d", id), err)
}

// Unfinished reads the jobs that have no end, in the order of their ids.
func (j *Journal) Unfinished() ([]Record, error) {
	return j.list(func(tx *bolt.Tx, add func(uint64) error) error {
		return tx.Bucket(bucketOpen).ForEach(func(k, _ []byte) error { return add(binary.BigEndian.Uint64(k)) })
	})
}

// EndedSince reads the jobs that ended at t or later, in the order of their ids.
func (j *Journal) EndedSince(t time.Time) ([]Record, error) {
	return j.list(func(tx *bolt.Tx, add func(uint64) error) error {
		from := number(uint64(max(0, t.UnixMicro())))
		c := tx.Bucket(bucketEnded).Cursor()
		for k, _ := c.Seek(from); k != nil; k, _ = c.Next() {
			if err := add(binary.BigEndian.Uint64(bytes.TrimPrefix(k, k[:8]))); err != nil {
				return err
			}
		}
		return nil
	})
}

func (j *Journal) list(walk func(*bolt.Tx, func(uint64) error) error) ([]Record, error) {
	var all []Record
	err := j.read(func(tx *bolt.Tx) error {
		return walk(tx, func(id uint64) error {
			r, err := record(tx, id)
			all = append(all, r)
			return wrap(fmt.Sprintf("job %d", id), err)
		})
	})
	slices.SortFunc(all, func(a, b Record) int { return int(a.Job.ID) - int(b.Job.ID) })
	return all, wrap("read jobs", err)
}

func record(tx *bolt.Tx, id uint64) (r Record, err error) {
	b := tx.Bucket(bucketJobs).Bucket(number(id))
	if b == nil {
		return r, ErrNotFound
	}
	if err := get(b, keyJob, &r.Job); err != nil {
		return r, err
	}
	if b.Get(keyCheckpoint) != nil {
		if err := get(b, keyCheckpoint, &r.Checkpoint); err != nil {
			return r, err
		}
	}
	if b.Get(keyEnd) != nil {
		if err := get(b, keyEnd, &r.End); err != nil {
			return r, err
		}
	}
	r.Changes, err = all[Event](b, keyChanges)
	return r, err
}

func all[T any](b *bolt.Bucket, name []byte) (list []T, err error) {
	in := b.Bucket(name)
	if in == nil {
		return nil, nil
	}
	err = in.ForEach(func(_, text []byte) error {
		var v T
		if err := json.Unmarshal(text, &v); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		list = append(list, v)
		return nil
	})
	return list, err
}
