package engine

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

// TestClustered: content in front, nothing behind, and secrets between the samples; the drive erases its first half.
func TestClustered(t *testing.T) {
	const size = 16 << 20
	f := drivetest.New("f0", size, []byte{0})
	f.SelfErasing(drivetest.Half, drive.Ability{Action: followed})
	f.Put(0, bytes.Repeat([]byte("FILES AT THE BEGINNING "), 1<<20/23)) // 1 MiB of 16
	for at := int64(size/2 + 100*512); at < size; at += 512 * 997 {
		f.Put(at, []byte("SECRET FILE"))
	}
	w := open(t, "", nil, f)
	v := w.end(w.erase(string(followed), "sample", "f0")[0])
	if n := bytes.Count(f.Medium(), []byte("SECRET FILE")); v.State == Erased && n > 0 {
		t.Errorf("FALSE ERASED: the drive erased its first half only, and %d secrets are left", n)
	}
}

// TestNoneNotErased: what nobody looked at is not called erased in any sentence.
func TestNoneNotErased(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.InstantLie)
	w := open(t, "", nil, f)
	v := w.end(w.erase(string(followed), "none", "f0")[0])
	if st, _, _, _ := w.Certificate(v.Job.ID); strings.Contains(strings.ToLower(strings.TrimPrefix(st.Heading(), "NOT ERASED")), "overwritten") {
		t.Errorf("nothing was overwritten, and the certificate begins with %q", st.Heading())
	}
	if strings.Contains(string(v.Last.Reason), "erased") {
		t.Errorf("the word erased is used: %s", v.Last.Reason)
	}
}

// TestUsedAgain: the drive is used again while the server is down.
func TestUsedAgain(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Endless)
	w := open(t, "", nil, f)
	id := w.erase(string(followed), "full", "f0")[0]
	seenAt(t, w, id)
	w.shutdown()
	_ = w.cfg.Journal.Close()
	f.SelfErasing(drivetest.Honest, drive.Ability{Action: followed})
	c, _ := f.Find()
	k, _ := c[0].Claim()
	fw, _ := k.Firmware()
	for range 4 {
		_, _ = fw.Status(followed)
	}
	_ = k.Close()
	f.Put(0, bytes.Repeat([]byte("NEW USER DATA "), 200000))
	w = open(t, w.file, nil, f)
	v := w.end(id)
	if v.State == Erased {
		t.Errorf("FALSE ERASED: the drive is full of data")
	}
}

// TestSectors: namespaces with sectors of different sizes, the larger ones named first.
func TestSectors(t *testing.T) {
	a, b := itself("a", []byte("SECRET"), drivetest.Honest), itself("b", []byte("SECRET"), drivetest.Honest)
	a.Join(b)
	a.SelfErasing(drivetest.Honest, drive.Ability{Action: followed, Reaches: []drive.Reach{{Name: "b", What: "namespace 2"}}})
	b.SelfErasing(drivetest.Honest, drive.Ability{Action: followed, Reaches: []drive.Reach{{Name: "a", What: "namespace 1"}}})
	a.Set(func(i *drive.Info) { i.Paths, i.LogicalSector = []string{"/dev/a"}, 4096 })
	b.Set(func(i *drive.Info) { i.Paths = []string{"/dev/b"} })
	w := open(t, "", nil, a, b)
	v := w.end(w.erase(string(followed), "sample", "a", "b")[0])
	if v.State != Erased {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
}

// TestOrder: the first line of methods DRIVE is what erase does.
func TestOrder(t *testing.T) {
	a := drive.Answers{Set: "SCSI", Abilities: []drive.Ability{{Action: drive.FormatUnit}}}
	first := MethodsFor(a)[0]
	m, r := pick(Request{}, Item{Answers: a})
	if r != nil || m.Name != first.Name {
		t.Errorf("the default is %s, and the first line of methods DRIVE is %s", m.Name, first.Name)
	}
}

// TestDoubt: a drive that knows nothing of the erase may just have come back from a reset.
func TestDoubt(t *testing.T) {
	// A drive that answers None for 80 ms (power-on, HBA reset), then goes on.
	f := itself("f0", []byte("SECRET"), drivetest.Endless)
	w := open(t, "", func(c *Config) { c.Patience = 500 * time.Millisecond }, f)
	id := w.erase(string(followed), "sample", "f0")[0]
	seenAt(t, w, id)
	w.shutdown()
	_ = w.cfg.Journal.Close()
	f.SelfErasing(drivetest.Ignores, drive.Ability{Action: followed})
	begun := time.Now()
	w = open(t, w.file, func(c *Config) { c.Patience = 500 * time.Millisecond }, f)
	v := w.end(id)
	if v.State == Unknown && time.Since(begun) < 200*time.Millisecond {
		t.Errorf("given up after %s", time.Since(begun))
	}
}

// TestLastSaid: a drive that knows nothing of the erase is not said to be at it, also when patience is at its end by then.
func TestLastSaid(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Ignores)
	w := open(t, "", func(c *Config) { c.Patience = time.Nanosecond }, f)
	v := w.end(w.erase(string(followed), "sample", "f0")[0])
	if reason := string(v.Last.Reason); v.State != Unknown || !strings.Contains(reason, "knows nothing of the erase") {
		t.Errorf("%s: %s", v.State, reason)
	}
}

// TestFormatReaches: format stops where it would end what is on another unit too.
func TestFormatReaches(t *testing.T) {
	f := drivetest.New("f0", 4<<20, []byte("X"))
	f.SelfErasing(drivetest.Honest, drive.Ability{Action: drive.FormatUnit, Reaches: []drive.Reach{{Name: "b", What: "logical unit 1"}}})
	f.Answer(func(a *drive.Answers) { a.Set, a.Sector = "SCSI", 512 })
	w := open(t, "", nil, f)
	if _, err := w.planFormat(FormatRequest{Drive: "f0", Sector: 4096, Confirm: []string{"FAKE-f0"}}); err == nil {
		t.Errorf("format would reach logical unit 1 too, and nothing stands against it")
	}
}

// TestFormatAgain: a drive whose format did not come to its end is formatted again to the sectors that it should have, and nobody
// says that it has them already. One that is whole, or another one, is not.
func TestFormatAgain(t *testing.T) {
	f := drivetest.New("f0", 4<<20, []byte("X"))
	f.SelfErasing(drivetest.Honest, drive.Ability{Action: drive.FormatUnit})
	f.Answer(func(a *drive.Answers) { a.Set, a.Sector = "SCSI", 512 })
	w := open(t, "", nil, f)
	plan := func() error {
		_, err := w.planFormat(FormatRequest{Drive: "f0", Sector: 512, Confirm: []string{"FAKE-f0"}})
		return err
	}
	if err := plan(); err == nil || !strings.Contains(err.Error(), "512 bytes already") {
		t.Errorf("of a whole one: %v", err)
	}
	f.Set(func(i *drive.Info) {
		i.Size, i.ID.Size, i.NoSize, i.Reformat = 0, 0, "its format is not complete", true
	})
	f.Answer(func(a *drive.Answers) { a.Problem, a.Unformatted = "format it anew", "its format is not complete" })
	if err := plan(); err != nil {
		t.Errorf("of one whose format lost power: %v", err)
	}
	_, err := w.Plan(Request{Drives: []string{"f0"}, Method: "zero", Confirm: []string{"FAKE-f0"}})
	if err == nil || !strings.Contains(err.Error(), "its format is not complete. Next: format f0 --sector-size 512 --confirm FAKE-f0") {
		t.Errorf("erase says %v; want the way out", err)
	}
	f.Answer(func(a *drive.Answers) { a.Another = "it is another drive" })
	if err := plan(); err == nil || !strings.Contains(err.Error(), "it is another drive") {
		t.Errorf("of another one: %v", err)
	}
}

// spy notes who is asked for its health.
type spy struct {
	mu    sync.Mutex
	asked []string
}

func (s *spy) Known(drive.Info) drive.Health { return drive.Health{} }
func (s *spy) Fresh(i drive.Info) drive.Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, i.Name)
	return drive.Health{}
}

// TestSmall: of a small drive every sector is known before, and looked at afterwards.
func TestSmall(t *testing.T) {
	const sectors = 4000
	f := drivetest.New("f0", sectors*512, []byte("SECRET"))
	f.SelfErasing(drivetest.Honest, drive.Ability{Action: followed})
	w := open(t, "", nil, f)
	id := w.erase(string(followed), "sample", "f0")[0]
	v := w.end(id)
	r := w.record(id)
	known := len(r.Checkpoint.Firmware.Samples)
	read := r.End.Verification.BytesRead / 512
	if v.State == Erased && read < int64(known) {
		t.Errorf("%d sectors are known from before, and only %d are looked at", known, read)
	}
}

// TestLockedOverwrite: a locked drive is not overwritten by half a million errors: it is refused, with the way out.
func TestLockedOverwrite(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Honest)
	f.SelfErasing(drivetest.Honest, drive.Ability{Action: blocking, Blocks: true})
	w := open(t, "", nil, f)
	f.Lock(true)
	for _, req := range []Request{{Method: "zero"}, {Method: "random"}, {Level: "purge"}} {
		req.Drives, req.Confirm = []string{"f0"}, []string{"FAKE-f0"}
		if _, err := w.Erase(req); err == nil || !strings.Contains(err.Error(), "it is locked with a password") || !strings.Contains(err.Error(), "Next: unlock it") {
			t.Errorf("%+v: %v", req, err)
		}
	}
	v, err := w.Drive("f0")
	if err != nil || !slices.Equal(v.Methods, []string{string(blocking)}) {
		t.Errorf("it can do %q, %v", v.Methods, err)
	}
}

// TestLockedByAnErase: a drive that an interrupted erase left locked is opened first, so that its content can tell whether the
// second erase did what it says.
func TestLockedByAnErase(t *testing.T) {
	for lie, want := range map[drivetest.Lie]State{drivetest.Honest: Erased, drivetest.Kept: Failed} {
		f := itself("f0", []byte("SECRET"), lie)
		f.Lock(true)
		w := open(t, "", nil, f)
		v := w.end(w.erase(string(blocking), "sample", "f0")[0])
		if v.State != want {
			t.Errorf("%s: %s: %s", lie, v.State, v.Last.Reason)
		}
		w.honest(v, f)
	}
	f := itself("f0", []byte("SECRET"), drivetest.Honest)
	f.Lock(false)
	w := open(t, "", nil, f)
	v := w.end(w.erase(string(blocking), "sample", "f0")[0])
	if v.State != Failed || !strings.Contains(string(v.Last.Reason), "not wiped's; nothing was erased; remove the password") || len(f.Commands()) > 0 {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
}

// TestSilentIsSaid: those who watch a drive that gives no sign any more can see that, and that it is waited for.
func TestSilentIsSaid(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Silent)
	w := open(t, "", func(c *Config) { c.Patience = time.Hour }, f)
	id := w.erase(string(followed), "sample", "f0")[0]
	eventually(t, "its status says so", func() bool {
		v, _ := w.Job(id)
		return strings.Contains(v.Last.Action, string(followed)+" by the drive, which has given no sign for ")
	})
	f.SelfErasing(drivetest.Honest, drive.Ability{Action: followed})
	if v := w.end(id); v.State != Erased || strings.Contains(v.Last.Action, "no sign") {
		t.Errorf("%s: %s, %s", v.State, v.Last.Reason, v.Last.Action)
	}
}

// TestLongPattern: a drive whose erase leaves a pattern with a period of a whole sector is erased twice, honestly; and kept it
// the second time.
func TestLongPattern(t *testing.T) {
	for lie, want := range map[drivetest.Lie]State{drivetest.Patterned: Erased, drivetest.Kept: Failed, drivetest.Half: Failed} {
		f := itself("f0", drivetest.Pattern(), lie) // as the first erase left it
		w := open(t, "", nil, f)
		v := w.end(w.erase(string(followed), "full", "f0")[0])
		if v.State != want {
			t.Errorf("%s: %s: %s", lie, v.State, v.Last.Reason)
		}
	}
}
