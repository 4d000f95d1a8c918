package block

import (
	"path/filepath"
	"strings"
	"sync"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/handle"
)

// oddSectors knows why drives have no size for the kernel: sectors of 520 bytes and the like, which it cannot use, a format that did
// not come to its end, or an erase of their own that is under way. Such a drive is asked in the background, again and again: it
// can be ready, formatted or at its end the next time.
type oddSectors struct {
	fresh time.Duration // so long an answer is good

	mu    sync.Mutex
	known map[string]*oddAnswer // by path
}

type oddAnswer struct {
	seq       uint64        // the disk sequence number
	pending   chan struct{} // closed when the question under way is answered; nil: none is
	at        time.Time     // of the last answer
	said      drive.Answers // the last time that it answered
	silent    bool          // it did not, at last
	rescanned bool
}

const (
	// oddPatience is how long a look waits for the answer of such a drive.
	oddPatience = 2 * time.Second
	oddFresh    = 10 * time.Second
	// oddSilence is how long one is left alone that did not answer: the question may hang still.
	oddSilence = 5 * time.Minute
)

// look asks a drive without a size for the reason, if it is one that could have such, and puts the answer into what is known of
// it. It tells whether the kernel has looked at the drive again since.
func (o *oddSectors) look(d *device) (rescanned bool) {
	if d.info.Size != 0 || !strings.HasPrefix(d.name(), "sd") || d.dir.is("removable") || d.set(d.node()) == nil {
		return false
	}
	said, rescanned := o.ask(d)
	switch {
	case said.Unformatted != "":
		d.odd, d.info.NoSize, d.info.Reformat = true, said.Unformatted, true
	case said.Busy != "":
		d.odd, d.info.NoSize = true, "it has no size while it is "+said.Busy
	case said.Sector%512 != 0:
		d.odd = true
	}
	if d.odd && said.Sector > 0 {
		d.info.LogicalSector, d.info.PhysicalSector = said.Sector, said.Sector
	}
	return rescanned
}

// ask gives the newest answer of a drive.
func (o *oddSectors) ask(d *device) (said drive.Answers, rescanned bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil {
		o.known = map[string]*oddAnswer{}
	}
	a := o.known[d.path()]
	if a == nil || a.seq != d.info.ID.DiskSeq {
		a = &oddAnswer{seq: d.info.ID.DiskSeq}
		o.known[d.path()] = a
	}
	if a.pending == nil && (a.at.IsZero() || time.Since(a.at) >= a.good(o.fresh)) {
		a.pending = make(chan struct{})
		go o.question(a, *d)
	}
	if pending := a.pending; pending != nil {
		o.mu.Unlock()
		select {
		case <-pending:
		case <-time.After(oddPatience):
		}
		o.mu.Lock()
	}
	return a.said, a.rescanned
}

// good is how long the answer is.
func (a *oddAnswer) good(fresh time.Duration) time.Duration {
	if a.silent {
		return oddSilence
	}
	return fresh
}

// question asks a drive, and has the kernel look again at one that says that it is ready to be used.
func (o *oddSectors) question(a *oddAnswer, d device) {
	said := d.Ask()
	ready := said.Problem == "" && said.Busy == "" && said.Sector > 0 && said.Sector%512 == 0
	if ready {
		_ = handle.Rescan(filepath.Join(string(d.dir), "device")) // if it fails, the drive stays without a size
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	close(a.pending)
	a.silent, a.rescanned, a.at, a.pending = said.Problem != "" && said.Unformatted == "", ready, time.Now(), nil
	if !a.silent {
		a.said = said
	}
}
