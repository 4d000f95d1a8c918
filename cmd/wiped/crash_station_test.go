//go:build crash

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
)

// crashStation is a server that is killed again and again, and all that it ever acknowledged.
type crashStation struct {
	*bench
	memory
	client     *ssh.Client   // of the run that is on; nil: none yet
	restart    func()        // starts the server again and waits until it listens
	say        func() string // what the server logged last
	leftBehind func()        // looks at what a server left that is gone
	figures    *crashFigures
	rng        *rand.Rand
	where      string // for people
	drives     []*crashDrive
	jobs       []*crashJob // of this round

	cancelling *waiter // a cancel that was sent, and its line
	cancelLine string
	fetching   []fetch // certificates that people were fetching
	hangUp     func()  // ends those who leave messages
	talk       sync.Mutex
}

// memory is what was acknowledged: it must be there after every kill.
type memory struct {
	hostKey    ssh.PublicKey
	signerLine string
	messages   []string             // acknowledged, in order
	tried      map[string]bool      // messages that were sent
	commands   map[string]int       // acknowledged, by their text: the audit must hold each as often
	ended      map[uint64]string    // what `job ID --json` said of those that have ended
	issued     map[uint64][2]string // certificates, document and signature
}

func newMemory() memory {
	return memory{tried: map[string]bool{}, commands: map[string]int{}, ended: map[uint64]string{}, issued: map[uint64][2]string{}}
}

// crashJob is one job of a round.
type crashJob struct {
	drive    *crashDrive
	method   string
	id       uint64 // 0: not acknowledged
	passes   []leaves
	wait     *waiter
	line     string       // the command that began it
	seen     []crashEvent // by those who waited for it
	claims   []claim
	resumed  bool
	finished bool
	toCancel bool   // somebody wanted that
	newest   uint64 // sequence number that was shown
}

// crashEvent is what the suite reads of an event.
type crashEvent struct {
	Seq    uint64
	Job    uint64
	State  string
	Pass   int
	Passes int
	Action string
	Done   int64 `json:"done_bytes"`
	Total  int64 `json:"total_bytes"`
	Result *string
	Reason *string
	text   string
}

func parseCrashEvent(line string) (e crashEvent, err error) {
	e.text = line
	return e, json.Unmarshal([]byte(line), &e)
}

// imageBytes is no multiple of anything but a sector.
const imageBytes = 32<<20 + 3*crashSector

func newCrashStation(t *testing.T, p *crashPlan, figures *crashFigures, flags []string) *crashStation {
	t.Helper()
	s := &crashStation{bench: newBench(t, imageBytes, "a.img", "b.img"), memory: newMemory(), figures: figures, rng: rand.New(rand.NewPCG(p.seed, 0))}
	s.restart, s.say, s.leftBehind = s.start, s.logTail, s.locksAreFree
	s.end(syscall.SIGKILL)
	s.images = append(s.images, flags...)
	if loop := attachLoop(t, filepath.Join(s.dir, "loop.img")); loop != "" {
		s.images = append(s.images, "--drives", loop)
		s.addFile(filepath.Base(loop), filepath.Join(s.dir, "loop.img"), loop)
	}
	for _, name := range []string{"a.img", "b.img"} {
		s.addFile(name, filepath.Join(s.dir, name), filepath.Join(s.dir, name))
	}
	if err := os.Mkdir(filepath.Join(s.dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	lines, err := newPeople(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(s.dir, "state", "authorized_keys")
	own, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keys, []byte(lines+`role="admin" `+string(own)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.findSerials()
	return s
}

// addFile makes known a drive whose bytes are in a file, and which is written before a round through another name of it.
func (s *crashStation) addFile(name, file, through string) {
	s.drives = append(s.drives, &crashDrive{name: name, size: imageBytes, content: fileContent(file, imageBytes), fill: func(content []byte) error {
		return alone(func() error {
			f, err := os.OpenFile(through, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.Write(content)
			return errors.Join(err, f.Sync(), f.Close())
		})
	}})
}

// attachLoop makes a loop device, where that is allowed.
func attachLoop(t *testing.T, file string) string {
	if os.Geteuid() != 0 {
		t.Log("not root: no loop device")
		return ""
	}
	if err := os.WriteFile(file, make([]byte, imageBytes), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "--show", "-f", file).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v: %s", err, out)
	}
	dev := strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", dev).Run() })
	return dev
}

func (s *crashStation) findSerials() {
	s.t.Helper()
	out, _, code := s.ask("drives --json")
	var drives []struct{ Name, Serial string }
	if err := json.Unmarshal([]byte(out), &drives); err != nil || code != 0 {
		s.t.Fatalf("drives: exit %d, %v: %s", code, err, out)
	}
	for _, d := range s.drives {
		for _, found := range drives {
			if found.Name == d.name {
				d.serial = found.Serial
			}
		}
		if d.serial == "" {
			s.t.Fatalf("no drive %s in %s", d.name, out)
		}
	}
}

// refill puts new old content on every drive.
func (s *crashStation) refill() {
	s.t.Helper()
	s.jobs = nil
	for _, d := range s.drives {
		d.salt = s.rng.Uint64()
		if err := d.fill(d.oldContent()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// fault reports something that must never happen, with all that is needed to see it again.
func (s *crashStation) fault(format string, args ...any) {
	s.t.Helper()
	s.figures.count(func(f *crashFigures) { f.Faults++ })
	s.t.Errorf("%s: %s\nthe log ends with:\n%s", s.where, fmt.Sprintf(format, args...), s.say())
}

func (s *crashStation) logTail() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	lines := strings.SplitAfter(string(text), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "")
}
