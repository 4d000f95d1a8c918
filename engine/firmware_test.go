package engine

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

// What the fakes here can do: one action that is followed, and one whose command returns at its end.
const (
	followed = drive.SanitizeBlock
	blocking = drive.SecurityErase
)

func itself(name string, old []byte, lie drivetest.Lie) *drivetest.Fake {
	f := drivetest.New(name, 4<<20, old)
	f.SelfErasing(lie, drive.Ability{Action: followed}, drive.Ability{Action: blocking, Blocks: true})
	return f
}

// quick lets a drive that does not get on be given up soon.
func quick(c *Config) { c.Patience = 100 * time.Millisecond }

// TestFirmwareLies is guarantee 1 for drives that erase themselves: each kind of lie, on a drive with content and on one
// that is blank, by a command that is followed and by one that blocks.
func TestFirmwareLies(t *testing.T) {
	secret, blank := []byte("SECRET"), []byte{0}
	for _, c := range []struct {
		lie    drivetest.Lie
		action drive.Action
		old    []byte
		want   State
		reason string
	}{
		{drivetest.Honest, followed, secret, Erased, ""},
		{drivetest.Honest, followed, blank, Erased, ""},
		{drivetest.Honest, blocking, secret, Erased, ""},
		{drivetest.Honest, blocking, blank, Erased, ""}, // for it was marked
		{drivetest.Kept, followed, secret, Failed, "of what was there before are still found"},
		{drivetest.Kept, followed, blank, Failed, "of what was there before are still found"},
		{drivetest.Kept, blocking, secret, Failed, "of what was there before are still found"},
		{drivetest.Kept, blocking, blank, Failed, "of what was there before are still found"},
		{drivetest.Half, followed, secret, Failed, "of what was there before are still found"},
		{drivetest.Half, blocking, blank, Failed, "of what was there before are still found"},
		{drivetest.Endless, followed, secret, Unknown, "does not get on"},
		{drivetest.Forgets, followed, secret, Unknown, "knows nothing of the erase"},
		{drivetest.NamesOther, followed, secret, Unknown, "another command"},
		{drivetest.Fails, followed, secret, Failed, "says that its erase failed"},
		{drivetest.Fails, blocking, secret, Failed, "says that its erase failed"},
		{drivetest.Refuses, followed, secret, Failed, "it is frozen"},
		{drivetest.Refuses, blocking, secret, Failed, "it is frozen"},
		{drivetest.Ignores, followed, secret, Unknown, "knows nothing of the erase"},
		{drivetest.Silent, followed, secret, Unknown, "does not answer any more"},
		{drivetest.Lost, followed, secret, Erased, ""}, // it was seen at it
		{drivetest.LostDoubt, followed, secret, Unknown, "knows nothing of the erase"},
		{drivetest.LostDoubt, blocking, secret, Unknown, "knows nothing of the erase"},
		{drivetest.Unplugged, followed, secret, Failed, "the drive is gone"},
		{drivetest.Unplugged, blocking, secret, Failed, "the drive is gone"},
		{drivetest.Unreadable, followed, secret, Failed, "could not be read afterwards"},
		{drivetest.Instant, followed, secret, Erased, ""},
		{drivetest.InstantLie, followed, secret, Failed, "of what was there before are still found"},
		{drivetest.InstantLie, followed, blank, Failed, "of what was there before are still found"},
		{drivetest.Panics, followed, secret, Unknown, ""}, // nobody knows how far it came
	} {
		name := string(c.lie) + " " + string(c.action)
		if c.old[0] == 0 {
			name += " blank"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verify := range []string{"sample", "full"} {
				f := itself("f0", c.old, c.lie)
				patient := quick
				if c.want != Unknown { // no test of patience
					patient = nil
				}
				w := open(t, "", patient, f)
				v := w.end(w.erase(string(c.action), verify, "f0")[0])
				if v.State != c.want || !strings.Contains(string(v.Last.Reason), c.reason) {
					t.Errorf("verify %s: %s: %s; want %s: %s", verify, v.State, v.Last.Reason, c.want, c.reason)
				}
				w.honest(v, f)
			}
		})
	}
}

// honest holds the end of a job whose drive erased itself against the drive, and its papers against each other.
func (w *workshop) honest(v View, fakes ...*drivetest.Fake) {
	w.t.Helper()
	statement, _, _, err := w.Certificate(v.Job.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := statement.Check(); err != nil {
		w.t.Errorf("its certificate contradicts itself: %v", err)
	}
	text := statement.Text()
	if statement.Result != string(v.State) || strings.HasPrefix(text, "NOT ERASED") != (v.State != Erased) {
		w.t.Errorf("the job is %s, and its certificate begins with %.40q", v.State, text)
	}
	if v.State != Erased {
		return
	}
	for _, f := range fakes {
		if at := bytes.IndexFunc(f.Medium(), func(r rune) bool { return r != 0 }); at >= 0 {
			w.t.Errorf("the job is erased, and %s holds something at %d", f.Name(), at)
		}
	}
	if v.Last.DoneBytes != v.Last.TotalBytes || len(statement.Evidence) < 3 {
		w.t.Errorf("erased at %d of %d bytes, evidence %q", v.Last.DoneBytes, v.Last.TotalBytes, statement.Evidence)
	}
}

// TestFirmwareTold: what must be on record is there before the drive hears the command.
func TestFirmwareTold(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Honest)
	release := f.HoldErase()
	w := open(t, "", nil, f)
	id := w.erase(string(blocking), "full", "f0")[0]
	eventually(t, "the drive hears the command", func() bool { return len(f.Commands()) == 1 })
	c := w.record(id).Checkpoint
	if c == nil || c.Firmware == nil || c.Firmware.Sent.IsZero() || len(c.Firmware.Samples) < stretches {
		t.Fatalf("the drive was told, and on record is %+v", c)
	}
	if _, err := w.Cancel([]uint64{id}, patience); err == nil || !strings.Contains(err.Error(), "no drive can be stopped") {
		t.Errorf("cancel says %v", err)
	}
	release()
	if v := w.end(id); v.State != Erased {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
}

// TestFirmwarePickedUp: the program ends while a drive erases itself, and the next start goes on following it; also after
// a crash, whenever it came.
func TestFirmwarePickedUp(t *testing.T) {
	for _, c := range []struct {
		lie   drivetest.Lie
		crash bool
		want  State
	}{
		{drivetest.Endless, false, Erased}, {drivetest.Endless, true, Erased},
		{drivetest.Endless, true, Failed}, {drivetest.Endless, true, Unknown},
	} {
		f := itself("f0", []byte("SECRET"), c.lie)
		w := open(t, "", nil, f)
		id := w.erase(string(followed), "full", "f0")[0]
		eventually(t, "the drive is seen at it", func() bool {
			r := w.record(id)
			return r.Checkpoint != nil && r.Checkpoint.Firmware != nil && !r.Checkpoint.Firmware.Seen.IsZero()
		})
		file := w.file
		if c.crash {
			file = w.copyJournal()
		}
		w.shutdown()
		if !c.crash {
			_ = w.cfg.Journal.Close()
		}
		f.SelfErasing(map[State]drivetest.Lie{Erased: drivetest.Honest, Failed: drivetest.Kept, Unknown: drivetest.Forgets}[c.want],
			drive.Ability{Action: followed})
		patient := quick
		if c.want != Unknown {
			patient = nil
		}
		w = open(t, file, patient, f)
		v := w.end(id)
		if v.State != c.want || len(f.Commands()) != 1 {
			t.Errorf("%+v: %s: %s, after %d commands", c, v.State, v.Last.Reason, len(f.Commands()))
		}
		w.honest(v, f)
	}
}

// TestFirmwareAbsent: the drive is not there when the program starts again; resume picks it up.
func TestFirmwareAbsent(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Endless)
	w := open(t, "", nil, f)
	id := w.erase(string(followed), "sample", "f0")[0]
	eventually(t, "it runs", func() bool { return len(f.Commands()) == 1 })
	w.shutdown()
	_ = w.cfg.Journal.Close()
	w = open(t, w.file, nil)
	v := w.end(id)
	if v.State != Interrupted || !strings.Contains(string(v.Last.Reason), "attach it") {
		t.Fatalf("%s: %s", v.State, v.Last.Reason)
	}
	w.shutdown()
	_ = w.cfg.Journal.Close()
	f.SelfErasing(drivetest.Honest, drive.Ability{Action: followed})
	w = open(t, w.file, nil, f)
	if _, err := w.Resume([]uint64{id}, nil); err != nil {
		t.Fatal(err)
	}
	if v = w.end(id); v.State != Erased {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
}

// TestFirmwareUnverified: what nobody verified is not called erased.
func TestFirmwareUnverified(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Honest)
	w := open(t, "", nil, f)
	if v := w.end(w.erase(string(followed), "none", "f0")[0]); v.State != Unverified {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
}

// TestSilentDrive: a drive that does not say what it can do is erased by a named method only.
func TestSilentDrive(t *testing.T) {
	f := drivetest.New("f0", 1<<20, []byte("SECRET"))
	f.Answer(func(a *drive.Answers) { a.Problem = "it does not answer" })
	w := open(t, "", nil, f)
	_, err := w.Erase(Request{Drives: []string{"f0"}, Confirm: []string{"FAKE-f0"}})
	if err == nil || !strings.Contains(err.Error(), "it does not say what it can do: it does not answer. Next: name a method") {
		t.Errorf("%v", err)
	}
	if v := w.end(w.erase("random", "full", "f0")[0]); v.State != Erased || v.Job.Drive.HiddenAreas != "not known: it does not answer" {
		t.Errorf("%s, hidden areas %q", v.State, v.Job.Drive.HiddenAreas)
	}
	f.Answer(func(a *drive.Answers) { a.Set = "ATA" })
	if _, err = w.Erase(Request{Drives: []string{"f0"}, Method: "random", Confirm: []string{"FAKE-f0"}}); err == nil ||
		!strings.Contains(err.Error(), "it may have a hidden area, which erasing would not reach: hidden areas not looked at: it does not answer. Next: ") {
		t.Errorf("an ATA drive: %v", err)
	}
}

// TestPlaces: on a drive of any size, there are places all over it, each one sector of it, none twice, the first and last among them.
func TestPlaces(t *testing.T) {
	for _, sectors := range []int64{1, 2, 63, 64, 100, 1999, 2000, 2001, 2048, 4095, 4096, 4097, 5000, 8192, 100_000, 39_063_650_304} {
		for _, sector := range []int{512, 4096} {
			unit := int64(sector)
			list := places([32]byte{1, 2, 3}, sectors*unit, sector)
			if int64(len(list)) < min(sectors, 1200) || len(list) > small {
				t.Errorf("%d sectors of %d: %d places", sectors, sector, len(list))
			}
			last := -unit
			for _, r := range list {
				if r.Length != unit || r.Offset%unit != 0 || r.Offset <= last || r.Offset-last > sectors*unit/400+10*unit {
					t.Fatalf("%d sectors of %d: place %+v after %d", sectors, sector, r, last)
				}
				last = r.Offset
			}
			if list[0].Offset != 0 || last != (sectors-1)*unit {
				t.Errorf("%d sectors of %d: from %d to %d", sectors, sector, list[0].Offset, last)
			}
		}
	}
}

// TestMute: nothing that shares a controller with a drive which formats itself is asked anything.
func TestMute(t *testing.T) {
	a, b := itself("a", []byte("SECRET"), drivetest.Honest), itself("b", []byte("SECRET"), drivetest.Honest)
	for _, f := range []*drivetest.Fake{a, b} {
		f.Set(func(i *drive.Info) { i.Controller = "nvme nqn.x" })
	}
	release := a.HoldErase()
	w := open(t, "", nil, a, b)
	id := w.erase(string(blocking), "sample", "a")[0]
	eventually(t, "the drive is told", func() bool { return len(a.Commands()) == 1 })
	for _, name := range []string{"a", "b"} {
		v, err := w.Drive(name)
		if err != nil || !strings.Contains(v.Answers.Problem, "must not be asked meanwhile") || v.Health.Word != "unknown" {
			t.Errorf("%s was asked: %+v, %v", name, v.Answers, err)
		}
	}
	if _, err := w.Erase(Request{Drives: []string{"b"}, Confirm: []string{"FAKE-b"}}); err == nil {
		t.Error("the best method was chosen without asking")
	}
	release()
	w.end(id)
	if v, err := w.Drive("b"); err != nil || v.Answers.Problem != "" {
		t.Errorf("afterwards: %+v, %v", v.Answers, err)
	}
}

// TestMethodsFor: what a drive can do is offered best first, and what it cannot is told with the reason.
func TestMethodsFor(t *testing.T) {
	a := drive.Answers{Set: "ATA", Abilities: []drive.Ability{
		{Action: drive.SanitizeCrypto}, {Action: drive.SecurityErase, Why: "frozen by the BIOS", Next: "suspend"}, {Action: drive.FormatUnit}}}
	var names []string
	for _, m := range MethodsFor(a) {
		names = append(names, m.Name)
	}
	if !slices.Equal(names[:5], []string{"sanitize-crypto", "random", "zero", "one", "format-unit"}) {
		t.Errorf("%q", names)
	}
	if c := CannotFor(a); len(c) != 1 || c[0] != (Cannot{"security-erase", "frozen by the BIOS", "suspend"}) {
		t.Errorf("%+v", c)
	}
	for _, c := range []struct {
		req  Request
		name string
		kind Kind
		says string
	}{
		{Request{}, "sanitize-crypto", 0, ""},
		{Request{Level: "clear"}, "random", 0, ""}, // format-unit runs only when it is named
		{Request{Level: "purge"}, "sanitize-crypto", 0, ""},
		{Request{Method: "format-unit"}, "format-unit", 0, ""},
		{Request{Method: "security-erase"}, "", Unsafe, "frozen by the BIOS. Next: suspend"},
		{Request{Method: "format-crypto"}, "", Unsafe, "its kind of drive has no such command"},
		{Request{Method: "shred"}, "", Invalid, "there is no method"},
	} {
		m, r := pick(c.req, Item{Drive: drive.Info{Name: "sda"}, Answers: a})
		if m.Name != c.name || (r != nil) != (c.kind != 0) || r != nil && (r.Kind != c.kind || !strings.Contains(r.Error(), c.says)) {
			t.Errorf("%+v: %q, %v", c.req, m.Name, r)
		}
	}
}

// TestOverwriteOnFlash: what is purge on a hard disk is called no more than clear on flash, nor where nobody knows, and is chosen
// after what is purge there. The record says the same.
func TestOverwriteOnFlash(t *testing.T) {
	turns, flash := true, false
	for _, c := range []struct {
		set        string
		rotational *bool
		first      string
		level      string
	}{
		{"ATA", &turns, "sanitize-overwrite", "purge"}, {"ATA", &flash, "sanitize-crypto", "clear"}, {"ATA", nil, "sanitize-crypto", "clear"},
		{"SCSI", &flash, "sanitize-crypto", "clear"}, {"SCSI", &turns, "sanitize-overwrite", "purge"}, {"NVMe", &flash, "sanitize-overwrite", "purge"},
	} {
		f := itself("f0", []byte("SECRET"), drivetest.Honest)
		f.SelfErasing(drivetest.Honest, drive.Ability{Action: drive.SanitizeOverwrite}, drive.Ability{Action: drive.SanitizeCrypto})
		f.Answer(func(a *drive.Answers) { a.Set, a.Rotational = c.set, c.rotational })
		w := open(t, "", nil, f)
		items, err := w.Plan(Request{Drives: []string{"f0"}, Confirm: []string{"FAKE-f0"}})
		if err != nil || items[0].Method.Name != c.first || items[0].Method.Level.String() != "purge" {
			t.Errorf("%s, turns %v: the default is %+v, %v; want %s, purge", c.set, c.rotational, items, err, c.first)
		}
		v := w.end(w.erase("sanitize-overwrite", "sample", "f0")[0])
		st, _, _, _ := w.Certificate(v.Job.ID)
		if v.State != Erased || v.Last.Level != c.level || !strings.Contains(st.Standard, "SP 800-88r2 "+c.level) {
			t.Errorf("%s, turns %v: %s, level %s, %q; want %s", c.set, c.rotational, v.State, v.Last.Level, st.Standard, c.level)
		}
		if _, err := w.Plan(Request{Drives: []string{"f0"}, Method: "sanitize-overwrite", Level: "purge", Confirm: []string{"FAKE-f0"}}); (err == nil) != (c.level == "purge") {
			t.Errorf("%s, turns %v: asked for purge: %v", c.set, c.rotational, err)
		}
	}
}
