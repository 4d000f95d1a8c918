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

func seenAt(t *testing.T, w *workshop, id uint64) {
	eventually(t, "the drive is seen at it", func() bool {
		r := w.record(id)
		return r.Checkpoint != nil && r.Checkpoint.Firmware != nil && !r.Checkpoint.Firmware.Seen.IsZero()
	})
}

// TestPickUpAlike: of two drives with one serial none is taken for the one that was told to erase itself.
func TestPickUpAlike(t *testing.T) {
	a := itself("f0", []byte("SECRET"), drivetest.Endless)
	w := open(t, "", nil, a)
	id := w.erase(string(followed), "sample", "f0")[0]
	seenAt(t, w, id)
	w.shutdown()
	_ = w.cfg.Journal.Close()
	b := drivetest.New("f1", 4<<20, []byte("OTHER DATA"))
	b.SelfErasing(drivetest.Instant, drive.Ability{Action: followed})
	b.Set(func(i *drive.Info) { i.Serial, i.ID.Serial = "FAKE-f0", "FAKE-f0" })
	c, _ := b.Find()
	k, _ := c[0].Claim()
	fw, _ := k.Firmware()
	_ = fw.Erase(followed) // it is "ready", as any SCSI drive is
	_ = k.Close()
	b.Put(0, bytes.Repeat([]byte("OTHER DATA"), 400000))
	w = open(t, w.file, nil, b, a) // both are there
	v := w.end(id)
	if v.State == Erased {
		t.Errorf("FALSE ERASED: two drives with one serial are there, and the job took the first one")
	}
}

// TestReachLater: what a command reaches is asked again just before it is sent: another namespace may have come meanwhile.
func TestReachLater(t *testing.T) {
	first := itself("first", []byte("SECRET"), drivetest.Honest)
	release := first.HoldErase()
	a, b := itself("a", []byte("SECRET"), drivetest.Honest), itself("b", []byte("PRECIOUS"), drivetest.Honest)
	w := open(t, "", func(c *Config) { c.Parallel = 1 }, first, a, b)
	one := w.erase(string(blocking), "sample", "first")[0]
	two := w.erase(string(followed), "sample", "a")[0]
	a.Join(b) // namespace b was made meanwhile
	a.Answer(func(x *drive.Answers) { x.Abilities[0].Reaches = []drive.Reach{{Name: "b", What: "namespace 2"}} })
	release()
	w.end(one)
	if v := w.end(two); v.State == Erased {
		t.Errorf("it is %s", v.State)
	}
	if !bytes.Contains(b.Medium(), []byte("PRECIOUS")) {
		t.Errorf("WRONG DRIVE: b was neither named nor confirmed, and is erased")
	}
}

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

// TestOneOfAController: of drives that share a controller one at a time erases itself, and meanwhile nothing is asked of it.
func TestOneOfAController(t *testing.T) {
	fakes := []*drivetest.Fake{itself("a", []byte("SECRET"), drivetest.Honest), itself("b", []byte("SECRET"), drivetest.Honest)}
	var releases []func()
	for _, f := range fakes {
		f.Set(func(i *drive.Info) { i.Controller = "nvme one" })
		releases = append(releases, f.HoldErase())
	}
	told := func() int { return len(fakes[0].Commands()) + len(fakes[1].Commands()) }
	s := &spy{}
	w := open(t, "", func(c *Config) { c.Health = s }, fakes...)
	ids := w.erase(string(blocking), "sample", "a", "b")
	eventually(t, "one is told", func() bool { return told() == 1 })
	first := 0
	if len(fakes[1].Commands()) == 1 {
		first = 1
	}
	releases[first]()
	w.end(ids[first])
	if s.mu.Lock(); len(s.asked) > 0 && told() == 2 {
		t.Errorf("%v: asked for its health, while the same controller is at a Format", s.asked)
	}
	s.mu.Unlock()
	eventually(t, "the other one is told", func() bool { return told() == 2 })
	releases[1-first]()
	for _, id := range ids {
		if v := w.end(id); v.State != Erased {
			t.Errorf("job %d is %s: %s", id, v.State, v.Last.Reason)
		}
	}
}

// TestUnhideUnseen: an area that was opened counts as erased only if the system sees the whole drive now.
func TestUnhideUnseen(t *testing.T) {
	item := Item{Drive: drive.Info{Name: "sda", Path: "/dev/sda"}, Answers: drive.Answers{Problem: "the drive did not answer within 12s"}}
	r := item.decideHidden(Request{Unhide: true, opened: map[string]opening{"/dev/sda": {"HPA of 1048576 bytes", 5}}})
	if len(r) == 0 {
		t.Errorf("nobody looked at the drive again, and the certificate says %q", item.Hidden)
	}
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

// TestLastLookAfterRestart: a drive waits for its controller, at which a job is that was picked up. It is looked at once more
// when that has ended, and not told anything where its command would reach what nobody confirmed.
func TestLastLookAfterRestart(t *testing.T) {
	a, b := itself("a", []byte("SECRET"), drivetest.Endless), itself("b", []byte("SECRET"), drivetest.Honest)
	c := itself("c", []byte("PRECIOUS"), drivetest.Honest)
	for _, f := range []*drivetest.Fake{a, b} {
		f.Set(func(i *drive.Info) { i.Controller = "nvme one" })
	}
	w := open(t, "", func(c *Config) { c.Parallel = 1 }, a, b, c)
	ids := w.erase(string(followed), "sample", "a", "b") // b waits for its turn
	seenAt(t, w, ids[0])
	w.shutdown()
	_ = w.cfg.Journal.Close()
	b.Join(c)
	b.Answer(func(x *drive.Answers) { x.Abilities[0].Reaches = []drive.Reach{{Name: "c", What: "namespace 3"}} })
	w = open(t, w.file, nil, a, b, c)
	if _, err := w.Resume(ids[1:], nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b waits for the controller", func() bool { v, _ := w.Job(ids[1]); return v.Last.Action == string(followed)+" by the drive" })
	if len(b.Commands()) > 0 {
		t.Error("b was told to erase itself while its controller was at another job")
	}
	a.SelfErasing(drivetest.Honest, drive.Ability{Action: followed})
	if v := w.end(ids[0]); v.State != Erased {
		t.Errorf("a is %s: %s", v.State, v.Last.Reason)
	}
	if v := w.end(ids[1]); v.State != Failed || !strings.Contains(string(v.Last.Reason), "would also erase c") {
		t.Errorf("b is %s: %s", v.State, v.Last.Reason)
	}
	if !bytes.Contains(c.Medium(), []byte("PRECIOUS")) {
		t.Errorf("WRONG DRIVE: c was neither named nor confirmed, and is erased")
	}
}

// TestHiddenUnseen: an area that a drive announces and does not answer for may be there. Nobody but the operator decides to
// leave it, and that stands on record with the reason.
func TestHiddenUnseen(t *testing.T) {
	const why = "DCO: the drive refused: its configuration may be frozen"
	for _, c := range []struct {
		what           string
		hidden         []drive.Hidden
		set            string
		keep, unhide   bool
		refused        string
		record, absent string
	}{
		{"nothing said", nil, "ATA", false, false, "it may have a hidden area", "", ""},
		{"to be opened", nil, "ATA", false, true, "it may have a hidden area", "", ""},
		{"to be left", nil, "ATA", true, false, "", "hidden areas not known: " + why + ", left as it is, NOT erased", ""},
		{"another one is seen", []drive.Hidden{{Kind: "HPA", Bytes: 1}}, "ATA", false, false, "HPA of 1 bytes, and hidden areas not known: " + why, "", ""},
		{"another one could be opened", []drive.Hidden{{Kind: "HPA", Bytes: 1}}, "ATA", false, true, "it may have a hidden area", "", ""},
		{"both are left", []drive.Hidden{{Kind: "HPA", Bytes: 1}}, "ATA", true, false, "", "HPA of 1 bytes, and hidden areas not known: " + why + ", left", ""},
		{"no such thing announced", nil, "SCSI", false, false, "", "not known: " + why, "NOT erased"},
	} {
		f := drivetest.New("f0", 1<<20, []byte("SECRET"))
		f.Answer(func(a *drive.Answers) { a.Set, a.Hidden, a.HiddenWhy = c.set, c.hidden, why })
		w := open(t, "", nil, f)
		views, err := w.Erase(Request{Drives: []string{"f0"}, Method: "zero", Confirm: []string{"FAKE-f0"}, KeepHidden: c.keep, Unhide: c.unhide})
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		v := w.end(views[0].Job.ID)
		st, _, _, _ := w.Certificate(v.Job.ID)
		if v.State != Erased || st.HiddenAreas == nil || !strings.Contains(*st.HiddenAreas, c.record) || c.absent != "" && strings.Contains(*st.HiddenAreas, c.absent) {
			t.Errorf("%s: %s: %s, certificate %v", c.what, v.State, v.Last.Reason, st.HiddenAreas)
		}
	}
}

// TestHiddenUnseenLater: the drive stops answering for its hidden areas before the first write.
func TestHiddenUnseenLater(t *testing.T) {
	first := itself("first", []byte("SECRET"), drivetest.Honest)
	release := first.HoldErase()
	f := drivetest.New("f0", 1<<20, []byte("SECRET"))
	f.Answer(func(a *drive.Answers) { a.Set = "ATA" })
	w := open(t, "", func(c *Config) { c.Parallel = 1 }, first, f)
	w.erase(string(blocking), "sample", "first")
	id := w.erase("zero", "full", "f0")[0]
	f.Answer(func(a *drive.Answers) { a.HiddenWhy = "HPA: the registers were lost on the way" })
	release()
	if v := w.end(id); v.State != Failed || !strings.Contains(string(v.Last.Reason), "it may have a hidden area") || f.Written() > 0 {
		t.Errorf("%s: %s, %d bytes written", v.State, v.Last.Reason, f.Written())
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

// TestPickedUpIsInterrupted: the certificate counts an end of the program while the drive was at it, of which the history has
// no word.
func TestPickedUpIsInterrupted(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Endless)
	w := open(t, "", nil, f)
	id := w.erase(string(followed), "sample", "f0")[0]
	seenAt(t, w, id)
	file := w.copyJournal()
	w.shutdown()
	w = open(t, file, nil, f)
	w.shutdown()
	_ = w.cfg.Journal.Close()
	f.SelfErasing(drivetest.Honest, drive.Ability{Action: followed})
	w = open(t, file, nil, f)
	v := w.end(id)
	if st, _, _, _ := w.Certificate(id); v.State != Erased || st.Interrupted != 2 {
		t.Errorf("%s: %s; interrupted %d times", v.State, v.Last.Reason, st.Interrupted)
	}
}

// TestPickUpInUse: a drive that is there and in use needs no attaching.
func TestPickUpInUse(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Endless)
	w := open(t, "", nil, f)
	id := w.erase(string(followed), "sample", "f0")[0]
	seenAt(t, w, id)
	w.shutdown()
	_ = w.cfg.Journal.Close()
	found, _ := f.Find()
	c, err := found[0].Claim()
	if err != nil {
		t.Fatal(err)
	}
	w = open(t, w.file, nil, f)
	if v := w.end(id); v.State != Interrupted || !strings.Contains(string(v.Last.Reason), "find and end what holds it") {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
	_ = c.Close()
}

// TestHaltedBeforeItsController: a job that waits for its controller was told nothing yet: it can be cancelled, and is
// interrupted by the end of the program, not failed.
func TestHaltedBeforeItsController(t *testing.T) {
	for _, cancel := range []bool{true, false} {
		a, b := itself("a", []byte("SECRET"), drivetest.Endless), itself("b", []byte("SECRET"), drivetest.Honest)
		for _, f := range []*drivetest.Fake{a, b} {
			f.Set(func(i *drive.Info) { i.Controller = "nvme one" })
		}
		w := open(t, "", nil, a, b)
		a.SelfErasing(drivetest.Endless, drive.Ability{Action: followed})
		b.SelfErasing(drivetest.Endless, drive.Ability{Action: followed})
		ids := w.erase(string(followed), "sample", "a", "b")
		eventually(t, "one is told, and the other waits for the controller", func() bool {
			one, _ := w.Job(ids[0])
			other, _ := w.Job(ids[1])
			at := string(followed) + " by the drive"
			return len(a.Commands())+len(b.Commands()) == 1 && one.Last.Action == at && other.Last.Action == at
		})
		two, waits, want := ids[1], b, Interrupted
		if len(b.Commands()) == 1 {
			two, waits = ids[0], a
		}
		if cancel {
			want = Cancelled
			if _, err := w.Cancel([]uint64{two}, patience); err != nil {
				t.Error(err)
			}
		} else {
			w.shutdown()
		}
		if v := w.end(two); v.State != want || len(waits.Commands()) > 0 {
			t.Errorf("%s: %s; want %s", v.State, v.Last.Reason, want)
		}
	}
}
