package boot

import (
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// volume is a partition or a whole disk with a label.
type volume struct {
	name  string // sda1
	kind  string // of file system: vfat, ext4
	label string
}

func (v volume) device() string { return "/dev/" + v.name }

// patience is how long one look at the volumes may take: a dying drive may not answer for minutes.
const patience = 5 * time.Second

// looks are the volumes whose reading has not come back yet; they are not read again, so that one dead drive costs one
// thread.
type looks struct {
	mu   sync.Mutex
	busy map[string]bool
}

// volumes reads the labels of everything that has one.
func (l *looks) volumes(names []string, read func(name string) (volume, bool)) []volume {
	return l.volumesWithin(patience, names, read)
}

func (l *looks) volumesWithin(most time.Duration, names []string, read func(name string) (volume, bool)) []volume {
	found := make(chan volume, len(names))
	done := make(chan struct{})
	var all sync.WaitGroup
	for _, name := range names {
		if !l.begin(name) {
			continue
		}
		all.Go(func() {
			defer l.end(name)
			if v, ok := read(name); ok {
				found <- v
			}
		})
	}
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(most):
	}
	return collect(found)
}

func (l *looks) begin(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[name] {
		return false
	}
	if l.busy == nil {
		l.busy = map[string]bool{}
	}
	l.busy[name] = true
	return true
}

func (l *looks) end(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.busy, name)
}

// unanswered are the volumes whose reading has not come back yet.
func (l *looks) unanswered() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.busy))
}

// collect takes what is there, by name: which one answered first must decide nothing.
func collect(found <-chan volume) (out []volume) {
	for {
		select {
		case v := <-found:
			out = append(out, v)
		default:
			slices.SortFunc(out, func(a, b volume) int { return strings.Compare(a.name, b.name) })
			return out
		}
	}
}

func readVolume(name string) (volume, bool) {
	f, err := os.OpenFile("/dev/"+name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return volume{}, false
	}
	defer f.Close()
	kind, label, err := volumeLabel(f)
	return volume{name: name, kind: kind, label: label}, err == nil
}

// labelled returns the volumes with a label; case does not count, as on FAT.
func labelled(volumes []volume, label string) (out []volume) {
	for _, v := range volumes {
		if strings.EqualFold(v.label, label) {
			out = append(out, v)
		}
	}
	return out
}

func deviceNames(volumes []volume) string {
	var names []string
	for _, v := range volumes {
		names = append(names, v.device())
	}
	return strings.Join(names, ", ")
}
