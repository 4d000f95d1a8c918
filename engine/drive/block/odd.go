package block

import (
	"strings"
	"sync"
	"time"
)

// oddSectors remembers the sector sizes of drives that have no size for the kernel because it cannot use them: 520 bytes
// and the like. Each such drive is asked once, in the background.
type oddSectors struct {
	mu    sync.Mutex
	known map[oddKey]*oddAnswer
}

type oddKey struct {
	path string
	seq  uint64 // the disk sequence number
}

type oddAnswer struct {
	done   chan struct{}
	sector int
}

// oddPatience is how long a look waits for the answer of such a drive.
const oddPatience = 2 * time.Second

// look asks a drive without a size for its sectors, if it is one that could have such, and puts the answer into what is
// known of it.
func (o *oddSectors) look(d *device) {
	if d.info.Size != 0 || !strings.HasPrefix(d.name(), "sd") || d.dir.is("removable") || d.set() == nil {
		return
	}
	key := oddKey{d.path(), d.info.ID.DiskSeq}
	o.mu.Lock()
	a := o.known[key]
	if a == nil {
		a = &oddAnswer{done: make(chan struct{})}
		if o.known == nil {
			o.known = map[oddKey]*oddAnswer{}
		}
		o.known[key] = a
		asked := *d
		go func() {
			defer close(a.done)
			a.sector = asked.Ask().Sector
		}()
	}
	o.mu.Unlock()
	select {
	case <-a.done:
	case <-time.After(oddPatience):
		return
	}
	if a.sector > 0 && a.sector%512 != 0 {
		d.odd, d.info.LogicalSector, d.info.PhysicalSector = true, a.sector, a.sector
	}
}
