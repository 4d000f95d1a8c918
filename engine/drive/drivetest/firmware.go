package drivetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"wiped/engine/drive"
)

// Lie is a way in which a drive's own erase goes wrong, or what the drive says of it does.
type Lie string

// What drives do when they are told to erase themselves.
const (
	Honest     Lie = ""            // erased, and said so
	Kept       Lie = "kept"        // says that it succeeded, and everything is still there
	Half       Lie = "half"        // says that it succeeded, and the second half is still there
	Endless    Lie = "endless"     // says that it is at it, for ever
	Forgets    Lie = "forgets"     // erases, and then knows nothing of it
	NamesOther Lie = "names other" // says that some other command succeeded
	Fails      Lie = "fails"       // says that it failed
	Refuses    Lie = "refuses"     // does not begin
	Ignores    Lie = "ignores"     // accepts the command, does nothing, and knows nothing of it
	Silent     Lie = "silent"      // accepts the command and answers nothing any more
	Lost       Lie = "lost"        // the answer to the command is lost on the way; the drive does erase itself
	LostDoubt  Lie = "lost, doubt" // the answer is lost, and the drive knows nothing
	Unplugged  Lie = "unplugged"   // is gone in the middle
	Unreadable Lie = "unreadable"  // erased, and cannot be read where it was
	Instant    Lie = "instant"     // erased before anybody could look
	InstantLie Lie = "instant lie" // says at once that it succeeded, and everything is still there
	Untouched  Lie = "untouched"   // erased, and says at the end that nothing was written since, which is true
	Patterned  Lie = "patterned"   // erased: every sector holds Pattern
	Panics     Lie = "panics"      // what speaks to the drive panics
)

// Pattern is a sector as some drives leave it, which does not repeat within itself.
func Pattern() []byte {
	sector := make([]byte, Sector)
	for i := range sector {
		sector[i] = byte(i) ^ byte(i>>8)
	}
	return sector
}

// SelfErasing gives the drive a firmware that knows some actions and behaves as told. A look at its status moves it on,
// so that an erase takes three looks.
func (f *Fake) SelfErasing(lie Lie, abilities ...drive.Ability) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = drive.Answers{Set: "fake", Abilities: abilities}
	f.lie = lie
}

// Answer changes what the drive says of itself.
func (f *Fake) Answer(change func(*drive.Answers)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.answers)
}

// Join makes drives share a firmware, as namespaces do: an erase of f reaches the others.
func (f *Fake) Join(others ...*Fake) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.others = others
}

// ours is the password that the fake's own erase leaves behind.
const ours = "ours"

// Lock locks the drive with the password that an interrupted erase leaves, or with somebody else's: nothing can be read or
// written until it is unlocked. An erase opens it too.
func (f *Fake) Lock(own bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.password = map[bool]string{true: ours, false: "theirs"}[own]
	f.answers.Locked, f.answers.Unlock = "it is locked with a password, and takes neither reads nor writes", "unlock it"
}

// Commands is what the firmware was told to do.
func (f *Fake) Commands() []drive.Action {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.commands)
}

// HoldErase makes every erase command that blocks wait until the function it returns is called.
func (f *Fake) HoldErase() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hold := make(chan struct{})
	f.holdErase = hold
	return func() { close(hold) }
}

// HoldUnlock makes Unlock wait until the function it returns is called.
func (f *Fake) HoldUnlock() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hold := make(chan struct{})
	f.holdOpen = hold
	return func() { close(hold) }
}

func (l *look) Ask() drive.Answers {
	l.fake.mu.Lock()
	defer l.fake.mu.Unlock()
	a := l.fake.answers
	a.Abilities = slices.Clone(a.Abilities)
	a.Hidden = slices.Clone(a.Hidden)
	return a
}

func (c *claim) Rescan() error { return nil }

func (c *claim) Firmware() (drive.Firmware, error) {
	c.fake.wait(&c.fake.holdSpeak)
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	if c.fake.answers.Set == "" {
		return nil, drive.ErrUnsupported
	}
	return &firmware{c.fake}, nil
}

type firmware struct{ fake *Fake }

var errLost = errors.New("the answer was lost")

func (w *firmware) Erase(a drive.Action) error {
	f := w.fake
	f.mu.Lock()
	ability, _ := f.answers.Ability(a)
	hold := f.holdErase
	f.commands = append(f.commands, a)
	lie := f.lie
	f.mu.Unlock()
	if hold != nil {
		<-hold
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch lie {
	case Refuses:
		return &drive.RefusedError{Why: "it is frozen", Next: "unplug it and plug it in again", Text: "sense 5/20/00"}
	case Panics:
		panic("the fake firmware panics")
	case LostDoubt:
		return errLost
	case Lost:
		f.looks = 3
		return errLost
	case Fails:
		if ability.Blocks {
			return errLost
		}
		f.looks = 3
	case Ignores:
	case Unplugged:
		if ability.Blocks {
			f.gone = true
			return errLost
		}
		f.looks = 3
	default:
		f.looks, f.answers.Locked = 3, ""
		if ability.Blocks || lie == Instant || lie == InstantLie {
			f.looks = 1
			f.step()
		}
	}
	return nil
}

// EraseApart sends the command as Erase does, for this process is the other one too, and leaves the answer in the mark.
func (w *firmware) EraseApart(o drive.Order) error {
	err := w.Erase(o.Action)
	var refused *drive.RefusedError
	said := apart{Token: o.Token, Action: o.Action, Good: err == nil}
	if errors.As(err, &refused) {
		said.Refused = refused
	}
	text, _ := json.Marshal(said) // plain fields
	if _, failed := o.Mark.WriteAt(text, 0); failed != nil {
		return errors.Join(err, failed)
	}
	return err
}

// apart is the answer in a mark.
type apart struct {
	Token   string
	Action  drive.Action
	Good    bool
	Refused *drive.RefusedError
}

func (w *firmware) Left(o drive.Order) error {
	var said apart
	err := json.NewDecoder(io.NewSectionReader(o.Mark, 0, 1<<20)).Decode(&said)
	switch {
	case err != nil || said.Token != o.Token || said.Action != o.Action:
		return drive.ErrNoAnswer
	case said.Refused != nil:
		return said.Refused
	case !said.Good:
		return drive.ErrNoAnswer
	}
	return nil
}

var _ drive.Apart = (*firmware)(nil)

// step is one look's worth of erasing. The caller holds mu.
func (f *Fake) step() {
	if f.looks == 0 || f.lie == Endless {
		return
	}
	if f.looks--; f.looks > 0 || f.lie == Fails || f.lie == Kept || f.lie == InstantLie {
		return
	}
	to := len(f.seen)
	if f.lie == Half {
		to /= 2
	}
	clear(f.seen[:to])
	clear(f.medium[:to])
	if f.lie == Patterned {
		f.seen = bytes.Repeat(Pattern(), len(f.seen)/Sector)
		f.medium = bytes.Clone(f.seen)
	}
	if f.lie == Unreadable {
		f.faults = append(f.faults, Fault{Kind: BadRead, At: 0, Length: Sector})
		f.struck = append(f.struck, 0)
	}
	for _, other := range f.others {
		other.mu.Lock()
		clear(other.seen)
		clear(other.medium)
		other.mu.Unlock()
	}
}

func (w *firmware) Status(a drive.Action) (drive.Status, error) {
	f := w.fake
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone {
		return drive.Status{}, drive.ErrGone
	}
	running := f.looks > 0
	f.step()
	switch {
	case f.lie == Silent:
		return drive.Status{}, errLost
	case len(f.commands) == 0 || f.lie == Ignores || f.lie == LostDoubt, f.lie == Forgets && !running:
		return drive.Status{Done: -1, Text: "nothing is known"}, nil
	case f.lie == Endless:
		return drive.Status{Phase: drive.Running, Done: 0.5, Text: "in progress"}, nil
	case f.lie == Unplugged && !running:
		f.gone = true
		return drive.Status{}, drive.ErrGone
	case running && f.lie != NamesOther:
		return drive.Status{Phase: drive.Running, Done: 1 - float64(f.looks)/3, Text: "in progress"}, nil
	case f.lie == NamesOther:
		return drive.Status{Phase: drive.Succeeded, Done: 1, Other: true, Text: "another command succeeded"}, nil
	case f.lie == Fails:
		return drive.Status{Phase: drive.Failed, Done: -1, Text: "failed"}, nil
	}
	since := f.lie == Untouched
	return drive.Status{Phase: drive.Succeeded, Done: 1, Named: since, Untouched: since, Text: "completed without error"}, nil
}

func (w *firmware) Unhide() error {
	f := w.fake
	f.wait(&f.holdUnhide)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lie == Panics {
		panic("the fake firmware panics")
	}
	for _, h := range f.answers.Hidden {
		if h.Why != "" {
			return &drive.RefusedError{Why: h.Why, Next: h.Next}
		}
		room := make([]byte, h.Bytes)
		for i := range room {
			room[i] = "HIDDEN"[i%6]
		}
		f.seen, f.medium = append(f.seen, room...), append(f.medium, room...)
		f.info.Size += h.Bytes
		f.info.ID.Size += h.Bytes
	}
	f.answers.Hidden = nil
	return nil
}

func (w *firmware) Unlock() error {
	f := w.fake
	f.mu.Lock()
	defer f.mu.Unlock()
	if hold := f.holdOpen; hold != nil {
		f.mu.Unlock()
		<-hold
		f.mu.Lock()
	}
	if f.answers.Locked == "" {
		return nil
	}
	if f.password != ours {
		return &drive.RefusedError{Why: "it is locked with a password that is not wiped's", Next: "remove the password"}
	}
	f.answers.Locked = ""
	return nil
}

func (w *firmware) Format(int) error { return drive.ErrUnsupported }

func (w *firmware) Close() error { return nil }

// HoldUnhide makes the opening of hidden areas wait until the function it returns is called, HoldFirmware the beginning of every
// conversation.
func (f *Fake) HoldUnhide() (release func()) { return f.holdAt(&f.holdUnhide) }

func (f *Fake) HoldFirmware() (release func()) { return f.holdAt(&f.holdSpeak) }

func (f *Fake) holdAt(place *chan struct{}) (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hold := make(chan struct{})
	*place = hold
	return func() { close(hold) }
}

// wait waits as long as something holds.
func (f *Fake) wait(place *chan struct{}) {
	f.mu.Lock()
	hold := *place
	f.mu.Unlock()
	if hold != nil {
		<-hold
	}
}
