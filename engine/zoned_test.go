package engine

import (
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

const zone = 256 << 10

type zonedSource struct{ *drivetest.Fake }
type zonedDrive struct {
	drive.Drive
	f *drivetest.Fake
}
type zonedClaim struct {
	drive.Claim
	f *drivetest.Fake
}
type zonedWriter struct {
	drive.Writer
	f *drivetest.Fake
}

func (s zonedSource) Find() ([]drive.Drive, error) {
	all, err := s.Fake.Find()
	for n := range all {
		all[n] = zonedDrive{all[n], s.Fake}
	}
	return all, err
}
func (d zonedDrive) Claim() (drive.Claim, error) {
	c, err := d.Drive.Claim()
	if err != nil {
		return nil, err
	}
	return zonedClaim{c, d.f}, nil
}
func (c zonedClaim) Writer() (drive.Writer, error) {
	w, err := c.Claim.Writer()
	if err != nil {
		return nil, err
	}
	return zonedWriter{w, c.f}, nil
}
func (w zonedWriter) Rewind(off int64) (int64, error) {
	from := off - off%zone
	w.f.Put(from, make([]byte, 4<<20-from))
	return from, nil
}

// TestZonedResume: a job of several passes over a zoned drive goes on where it was.
func TestZonedResume(t *testing.T) {
	f := drivetest.New("f0", 4<<20, []byte("SECRET"))
	f.Set(func(i *drive.Info) { i.Zoned = true })
	set := func(c *Config) { c.Sources = []drive.Source{zonedSource{f}} }
	w := open(t, "", set, f)
	reached := f.HoldAfter(4<<20 + 3<<20)
	id := w.erase("is5-enhanced", "full", "f0")[0]
	<-reached
	done := make(chan struct{})
	go func() { w.shutdown(); close(done) }()
	f.Release()
	<-done
	_ = w.cfg.Journal.Close()
	before := f.Written()
	w = open(t, w.file, set, f)
	if _, err := w.Resume([]uint64{id}, nil); err != nil {
		t.Fatal(err)
	}
	if v := w.end(id); v.State != Erased {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
	if f.Written()-before > 8<<20 {
		t.Errorf("it started over: %d bytes written before the interruption, %d after, of %d", before, f.Written()-before, 3*4<<20)
	}
}
