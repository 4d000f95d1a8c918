package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"wiped/engine"
	"wiped/engine/drive"
)

// A story that needs a job to be at work says how far it may have come, and not how long that takes here: as long as FILE.slow is
// there, a drive that stands on FILE moves slowRate in each request, once it was gone over as often as is written in there.

const (
	slowSuffix = ".slow"
	// slowRate is bytes a second. The engine has three requests in flight: an image of 32 MiB keeps gutmann busy for six minutes.
	slowRate = 1 << 20
)

// cmdSlow: slow FILE [TIMES] makes the image FILE, or a loop device on it, a slow drive from when it was written or read TIMES times
// its size since a job took it (default 0: from the first byte); ! slow FILE lets it be fast again.
func cmdSlow(ts *testscript.TestScript, neg bool, args []string) {
	file, times := ts.MkAbs(args[0]), 0
	if neg {
		ts.Check(fast(file))
		return
	}
	if len(args) > 1 {
		var err error
		times, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	ts.Check(slow(file, times))
}

func slow(file string, times int) error {
	return os.WriteFile(file+slowSuffix, strconv.AppendInt(nil, int64(times), 10), 0o600)
}

func fast(file string) error { return os.Remove(file + slowSuffix) }

// slowable puts slow drives between the engine and its sources.
func slowable(tune func(engine.Config) engine.Config) func(engine.Config) engine.Config {
	return func(c engine.Config) engine.Config {
		c = tune(c)
		var sources []drive.Source
		for _, s := range c.Sources {
			sources = append(sources, slowSource{s})
		}
		c.Sources = sources
		return c
	}
}

type slowSource struct{ drive.Source }

func (s slowSource) Find() ([]drive.Drive, error) {
	all, err := s.Source.Find()
	for n, d := range all {
		if file := standsOn(d.Info()); file != "" {
			all[n] = slowDrive{d, file}
		}
	}
	return all, err
}

// standsOn is the file of an image or of a loop device; empty for other drives.
func standsOn(i drive.Info) string {
	if i.Transport == "file" {
		return i.Path
	}
	file, _ := os.ReadFile("/sys/block/" + i.Name + "/loop/backing_file")
	return strings.TrimSuffix(string(file), "\n")
}

type slowDrive struct {
	drive.Drive
	file string
}

func (d slowDrive) Claim() (drive.Claim, error) {
	c, err := d.Drive.Claim()
	if err != nil {
		return nil, err
	}
	s := &slowClaim{Claim: c, sign: d.file + slowSuffix, size: d.Info().Size}
	if p, ok := c.(drive.Paths); ok {
		return slowPaths{s, p}, nil
	}
	return s, nil
}

// slowClaim slows what goes through a claim down. It is no drive.Sequential: neither files nor loop devices are zoned.
type slowClaim struct {
	drive.Claim
	sign  string
	size  int64
	moved atomic.Int64 // bytes written and read
}

// slowPaths is the claim of a drive that may have several paths, as all but images may.
type slowPaths struct {
	*slowClaim
	drive.Paths
}

func (c *slowClaim) Writer() (drive.Writer, error) {
	w, err := c.Claim.Writer()
	if err != nil {
		return nil, err
	}
	return slowWriter{w, c}, nil
}

func (c *slowClaim) Reader() (drive.Reader, error) {
	r, err := c.Claim.Reader()
	if err != nil {
		return nil, err
	}
	return slowReader{r, c}, nil
}

// hold waits as long as a slow drive takes for a request of n bytes.
func (c *slowClaim) hold(n int) {
	before := c.moved.Add(int64(n)) - int64(n)
	for end := time.Now().Add(time.Duration(n) * time.Second / slowRate); time.Now().Before(end) && c.slow(before); {
		time.Sleep(10 * time.Millisecond)
	}
}

func (c *slowClaim) slow(moved int64) bool {
	text, err := os.ReadFile(c.sign)
	if err != nil {
		return false
	}
	times, err := strconv.ParseInt(string(text), 10, 64)
	return err == nil && moved >= times*c.size
}

type slowWriter struct {
	drive.Writer
	claim *slowClaim
}

func (w slowWriter) WriteAt(p []byte, off int64) (int, error) {
	w.claim.hold(len(p))
	return w.Writer.WriteAt(p, off)
}

type slowReader struct {
	drive.Reader
	claim *slowClaim
}

func (r slowReader) ReadAt(p []byte, off int64) (int, error) {
	r.claim.hold(len(p))
	return r.Reader.ReadAt(p, off)
}
