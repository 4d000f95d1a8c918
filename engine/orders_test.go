package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

// A command that blocks outlives the server that sent it, in a process of its own.

// leftOrder is a drive at a command of a job whose server was killed. The test is the process that was left with it: it has the
// claim and the lock.
type leftOrder struct {
	t      *testing.T
	f      *drivetest.Fake
	id     uint64
	file   string // the journal as the server left it
	orders string
	claim  drive.Claim
	mark   *os.File
}

// leaves starts a job, and leaves its drive in the hands of a process that behaves like lie.
func leaves(t *testing.T, lie drivetest.Lie) *leftOrder {
	t.Helper()
	before := itself("f0", []byte("SECRET"), drivetest.Honest)
	release := before.HoldErase()
	w := open(t, "", nil, before)
	t.Cleanup(release) // before the workshop is closed
	id := w.erase(string(blocking), "sample", "f0")[0]
	eventually(t, "the drive hears the command", func() bool { return len(before.Commands()) == 1 })
	l := &leftOrder{t: t, f: itself("f0", []byte("SECRET"), lie), id: id, file: w.copyJournal(), orders: t.TempDir()}
	l.f.Put(0, before.Medium()) // with its marks
	all, _ := l.f.Find()
	var err error
	if l.claim, err = all[0].Claim(); err == nil {
		l.mark, err = orders{l.orders}.begin(id)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *leftOrder) open(fakes ...*drivetest.Fake) *workshop {
	l.t.Helper()
	return open(l.t, l.file, func(c *Config) { c.Orders, c.Patience = l.orders, 100*time.Millisecond }, fakes...)
}

// answered has the drive end, and its answer be left, unless the process is killed first.
func (l *leftOrder) answered(w *workshop, killed bool) {
	l.t.Helper()
	j, err := w.job(l.id)
	if err != nil {
		l.t.Fatal(err)
	}
	f, err := l.claim.Firmware()
	if err != nil {
		l.t.Fatal(err)
	}
	order := j.command(l.mark)
	if killed {
		order.Token = "of nobody" // that the drive ended is nowhere to be read then
	}
	_ = f.(drive.Apart).EraseApart(order) // its error is in the answer
}

// gone ends the process.
func (l *leftOrder) gone(keepClaim bool) {
	if !keepClaim {
		_ = l.claim.Close()
	}
	_ = l.mark.Close()
}

func (w *workshop) waitsFor(id uint64) {
	w.t.Helper()
	eventually(w.t, "the job waits for the process that was left", func() bool {
		v, err := w.Job(id)
		return err == nil && v.State == Running && strings.Contains(v.Last.Action, "which an earlier run of the server told it")
	})
}

// TestOrderLeft: the next start waits for the process that was left with the command, without asking the drive anything or
// letting anybody else have it, and then tells what became of the drive, no more than is known.
func TestOrderLeft(t *testing.T) {
	for _, c := range []struct {
		what     string
		lie      drivetest.Lie
		killed   bool // the process, before it could leave an answer
		after    func(l *leftOrder)
		stays    bool // somebody holds the drive
		want     State
		says     string
		restarts int
	}{
		{what: "it ended well", want: Erased},
		{what: "it ended well, after the server was started and stopped more than once", restarts: 2, want: Erased},
		{what: "it said so, and kept everything", lie: drivetest.Kept, want: Failed, says: "of what was there before are still found"},
		{what: "it said so, and kept one half", lie: drivetest.Half, want: Failed, says: "of what was there before are still found"},
		{what: "it leaves something else than zeros and ones", lie: drivetest.Patterned, want: Unknown, says: "somebody may have written since"},
		{what: "it was used before anybody had hold of it again", want: Unknown, says: "somebody may have written since",
			after: func(l *leftOrder) { l.f.Put(1<<20, newData[:4096]) }},
		{what: "it was killed, and the drive erased itself", killed: true, want: Unknown, says: "never said that it took the command"},
		{what: "it was killed, and the drive knows nothing", lie: drivetest.Ignores, killed: true, want: Unknown, says: "knows nothing of the erase"},
		{what: "its answer was lost", lie: drivetest.LostDoubt, want: Unknown, says: "knows nothing of the erase"},
		{what: "it refused", lie: drivetest.Refuses, want: Failed, says: "it is frozen (sense 5/20/00); nothing was erased"},
		{what: "it is gone", want: Interrupted, says: "attach it", after: func(l *leftOrder) { l.f.Pull() }},
		{what: "another one is there", want: Interrupted, says: "attach the one that was told to",
			after: func(l *leftOrder) { l.f.Set(func(i *drive.Info) { i.ID.WWN = "another" }) }},
		{what: "somebody else has hold of it", stays: true, want: Interrupted, says: "find and end what holds it"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			l := leaves(t, c.lie)
			w := l.open(l.f)
			w.waitsFor(l.id)
			for range c.restarts {
				w.shutdown() // nothing holds it up
				_ = w.cfg.Journal.Close()
				w = l.open(l.f)
				w.waitsFor(l.id)
			}
			w.untouchable(l)
			l.answered(w, c.killed)
			if c.after != nil {
				c.after(l)
			}
			l.gone(c.stays)
			v := w.end(l.id)
			if v.State != c.want || !strings.Contains(string(v.Last.Reason), c.says) {
				t.Errorf("%s: %s; want %s: %s", v.State, v.Last.Reason, c.want, c.says)
			}
			if n := len(l.f.Commands()); n != 1 {
				t.Errorf("the drive was told %d times to erase itself", n)
			}
			if v.State == Interrupted {
				return
			}
			w.honest(v, l.f)
			eventually(t, "the mark of a job that is over goes", func() bool {
				_, err := os.Stat(filepath.Join(l.orders, fmt.Sprint(l.id)))
				return errors.Is(err, os.ErrNotExist)
			})
		})
	}
}

// untouchable: nobody asks the drive anything, cancels the job, or begins another one.
func (w *workshop) untouchable(l *leftOrder) {
	w.t.Helper()
	w.LookAgain()
	if _, err := w.Cancel([]uint64{l.id}, patience); err == nil || !strings.Contains(err.Error(), "no drive can be stopped") {
		w.t.Errorf("cancel says %v", err)
	}
	_, err := w.Erase(Request{Drives: []string{"f0"}, Method: "zero", Confirm: []string{"FAKE-f0"}})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("it is being erased by job %d", l.id)) {
		w.t.Errorf("another erase: %v", err)
	}
	if v, err := w.Drive("f0"); err != nil || !strings.Contains(v.Answers.Problem, "must not be asked meanwhile") || v.State != "job" {
		w.t.Errorf("the drive was asked: %+v, %v", v, err)
	}
	w.waitsFor(l.id)
}

// TestOrderLeftAbsent: the drive cannot be found when the server is started again. What was told to it is not taken up before the
// process that was left has gone, nor is it lost.
func TestOrderLeftAbsent(t *testing.T) {
	l := leaves(t, drivetest.Honest)
	l.f.Pull()
	w := l.open(l.f)
	if v := w.end(l.id); v.State != Interrupted || !strings.Contains(string(v.Last.Reason), "attach it") {
		t.Fatalf("%s: %s", v.State, v.Last.Reason)
	}
	l.f.PlugIn()
	if _, err := w.Resume([]uint64{l.id}, nil); err == nil || !strings.Contains(err.Error(), "its drive is still at the command that an earlier run of the server sent") {
		t.Errorf("resume says %v", err)
	}
	l.answered(w, false)
	l.gone(false)
	w.LookAgain()
	if v := w.end(l.id); v.State != Erased {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
}

// TestOrderForgotten: what became of a command is not taken from what an order of another job left under its number.
func TestOrderForgotten(t *testing.T) {
	l := leaves(t, drivetest.Honest)
	if _, err := l.mark.WriteAt([]byte(`{"Token":"job 1, of another time","Action":"security-erase","Good":true}`), 0); err != nil {
		t.Fatal(err)
	}
	l.gone(false)
	stale := filepath.Join(l.orders, "77")
	if err := os.WriteFile(stale, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := l.open(l.f)
	if v := w.end(l.id); v.State != Unknown {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the mark of a job that nobody knows: %v", err)
	}
}

// TestOrderMark: the mark is locked before the drive hears the command and as long as it has not answered, and the job is named as
// one that holds up the end of the program. Without a mark the drive hears nothing.
func TestOrderMark(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Honest)
	release := f.HoldErase()
	w := open(t, "", nil, f)
	if ids := w.Blocked(); ids != nil {
		t.Errorf("before: %v", ids)
	}
	id := w.erase(string(blocking), "full", "f0")[0]
	eventually(t, "the drive hears the command", func() bool { return len(f.Commands()) == 1 })
	if ids := w.Blocked(); !slices.Equal(ids, []uint64{id}) || !w.orders.out(id) {
		t.Errorf("blocked: %v; the mark is locked: %v", ids, w.orders.out(id))
	}
	release()
	if v := w.end(id); v.State != Erased || w.orders.out(id) || w.Blocked() != nil {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}

	f = itself("f0", []byte("SECRET"), drivetest.Honest)
	w = open(t, "", func(c *Config) { c.Orders = "/dev/null/orders" }, f)
	v := w.end(w.erase(string(blocking), "full", "f0")[0])
	if v.State != Failed || !strings.Contains(string(v.Last.Reason), "the drive was not told to erase itself") || len(f.Commands()) > 0 {
		t.Errorf("%s: %s, after %q", v.State, v.Last.Reason, f.Commands())
	}
}

// TestOrderBusy: a mark that somebody has locked is not taken from him.
func TestOrderBusy(t *testing.T) {
	o := orders{t.TempDir()}
	mark, err := o.begin(7)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := o.begin(7); err == nil || !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("begun twice: %v, %v", again, err)
	}
	if !o.out(7) || o.out(8) {
		t.Errorf("out: %v, %v", o.out(7), o.out(8))
	}
	if _, err := mark.WriteAt([]byte("old"), 0); err != nil {
		t.Fatal(err)
	}
	_ = mark.Close()
	if o.out(7) {
		t.Error("out although nobody has it")
	}
	if mark, err = o.begin(7); err != nil {
		t.Fatal(err)
	}
	defer mark.Close()
	if st, err := mark.Stat(); err != nil || st.Size() != 0 {
		t.Errorf("begun anew with %v, %v", st, err)
	}
}

// TestUnlockHangs: a drive that never answers while it is unlocked holds up its job no longer than any other request.
func TestUnlockHangs(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Honest)
	f.Lock(true)
	release := f.HoldUnlock()
	defer release()
	w := open(t, "", func(c *Config) {
		c.Limits = Limits{Silence: 100 * time.Millisecond, HaltSilence: 50 * time.Millisecond}
	}, f)
	v := w.end(w.erase(string(blocking), "full", "f0")[0])
	if v.State != Failed || !strings.Contains(string(v.Last.Reason), "a request to it has been out") || len(f.Commands()) > 0 {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
}
