package engine

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"time"

	"wiped/engine/drive"
)

// A request to a drive that hangs cannot be ended, only left. So whatever may touch a job's drive runs in a goroutine of
// its own, and the job's waits for it or for the job to give the drive up. What comes back after that changes nothing;
// until it does the drive is not given back.

// request is something that a job asked of its drive.
type request struct {
	what  string
	flush bool
	own   bool         // it is watched by other means, or a firmware's, which takes as long as it takes
	back  atomic.Int64 // of a request that consists of several: how many of them came back
}

// counted is a reader whose reads count as parts of a request.
type counted struct {
	io.ReaderAt
	request *request
}

func (c counted) ReadAt(p []byte, off int64) (int, error) {
	defer c.request.back.Add(1)
	return c.ReaderAt.ReadAt(p, off)
}

// errGivenUp is what a job gets for an answer once it has given its drive up.
var errGivenUp = errors.New("the drive does not answer, and was given up")

// setAside says why a job ends before its drive does.
type setAside struct{ why string }

func (s setAside) Error() string { return s.why }

// attend waits for work, or for the job to give its drive up: then it returns errGivenUp, and work goes on by itself. A
// panic of work is one here. Nothing is begun once the drive is given up.
func attend[T any](j *job, r *request, work func() (T, error)) (T, error) {
	var none T
	if !j.sends(r) {
		return none, errGivenUp
	}
	type reply struct {
		value    T
		err      error
		panicked any
	}
	back := make(chan reply, 1)
	go func() {
		var got reply
		defer func() { back <- got }()
		defer j.cameBack(r) // before anybody goes on
		defer func() {
			if p := recover(); p != nil {
				got.panicked = fmt.Errorf("%v\n%s", p, debug.Stack())
			}
		}()
		got.value, got.err = work()
	}()
	select {
	case got := <-back:
		if got.panicked != nil {
			panic(got.panicked)
		}
		return got.value, got.err
	case <-j.givenUp:
		return none, errGivenUp
	}
}

// ask is attend for what has no other answer than an error.
func (j *job) ask(r *request, work func() error) error {
	_, err := attend(j, r, func() (struct{}, error) { return struct{}{}, work() })
	return err
}

// opened is attend for what opens the drive: it is kept in mind, so that it is closed even if it comes too late.
func opened[T io.Closer](j *job, what string, open func() (T, error)) (T, error) {
	return attend(j, &request{what: what, flush: true}, func() (T, error) { // what the system's cache holds may be written first
		h, err := open()
		if err == nil {
			j.mu.Lock()
			j.handles = append(j.handles, h)
			j.mu.Unlock()
		}
		return h, err
	})
}

// shut closes what opened opened, or leaves that to the end of the last request if the drive was given up.
func (j *job) shut(h io.Closer) {
	_ = j.ask(&request{what: "close", flush: true}, func() error {
		j.mu.Lock()
		for n, one := range j.handles {
			if one == h {
				j.handles = append(j.handles[:n], j.handles[n+1:]...)
				break
			}
		}
		j.mu.Unlock()
		return h.Close()
	})
}

// speak prepares orders to the job's drive. It is waited for as long as an answer is: what comes after that is closed.
func (j *job) speak() (drive.Firmware, error) {
	r := &request{what: "speak to the drive", own: true}
	if !j.sends(r) {
		return nil, errGivenUp
	}
	type reply struct {
		f   drive.Firmware
		err error
	}
	back, late := make(chan reply), make(chan struct{})
	go func() {
		defer j.cameBack(r)
		var got reply
		got.err = (&prober{job: j}).guarded(func() (err error) { got.f, err = j.targets[0].claim.Firmware(); return err })
		select {
		case back <- got:
		case <-late:
			if got.err == nil {
				_ = got.f.Close()
			}
		}
	}()
	defer close(late)
	select {
	case got := <-back:
		return got.f, got.err
	case <-j.ctx.Done():
		return nil, j.ctx.Err()
	case <-time.After(lookTime):
		return nil, errSilent
	}
}

func (j *job) writer(t target) (drive.Writer, error) {
	return opened(j, "open the drive for writing", t.claim.Writer)
}

func (j *job) reader(t target) (drive.Reader, error) {
	return opened(j, "open the drive for reading", t.claim.Reader)
}

// sends takes note of a request; false if the drive was given up.
func (j *job) sends(r *request) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case <-j.givenUp:
		return false
	default:
	}
	j.out[r] = true
	return true
}

// cameBack takes note of the end of a request. The last one to come back to a job that is over frees the drive.
func (j *job) cameBack(r *request) {
	j.mu.Lock()
	delete(j.out, r)
	last := j.leaving && len(j.out) == 0
	j.mu.Unlock()
	if last {
		j.e.cfg.Log.Info("the last request to a drive that was given up has returned", "job", j.rec.ID, "drive", j.rec.Drive.Name)
		j.free()
	}
}

// giveUp leaves the requests that are out to themselves.
func (j *job) giveUp() { j.once.Do(func() { close(j.givenUp) }) }

func (j *job) gaveUp() bool {
	select {
	case <-j.givenUp:
		return true
	default:
		return false
	}
}
