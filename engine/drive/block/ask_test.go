package block

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"wiped/engine/drive"
)

// tongue is a command set that knows and says what a test gives it.
type tongue struct {
	name   string
	behind bool // it speaks to what a translator speaks for, and to nothing else
	says   *drive.Answers
	err    error
}

func (s tongue) Name() string { return s.name }

func (s tongue) Speaks(n drive.Node) bool { return s.behind == n.Translated }

func (s tongue) Ask(*os.File, drive.Node) (drive.Answers, error) {
	if s.says == nil {
		return drive.Answers{}, s.err
	}
	return *s.says, s.err
}

func (s tongue) Firmware(*os.File, drive.Node) (drive.Firmware, error) {
	if s.err != nil {
		return nil, s.err
	}
	return orderly{name: s.name}, nil
}

// orderly takes no orders: it is only asked which it is.
type orderly struct {
	drive.Firmware
	name string
}

func (orderly) Close() error { return nil }

func asked(t *testing.T, sets ...drive.CommandSet) drive.Answers {
	t.Helper()
	tr := newTree(t)
	tr.disk(usb+"sda", attrs{"device/vendor": "JMicron "})
	d := &device{dir: dir(filepath.Join(tr.sys, "block", "sda")), dev: tr.dev, sets: sets}
	return d.Ask()
}

// TestAskKeepsTheSet: which language a drive is asked in is known without its answer, and what follows from that holds for one
// that does not answer.
func TestAskKeepsTheSet(t *testing.T) {
	if a := asked(t, tongue{name: "ATA", err: errors.New("no answer")}); a.Set != "ATA" || a.Problem != "it does not answer: no answer" {
		t.Errorf("of a silent drive: set %q, problem %q", a.Set, a.Problem)
	}
	d := &device{dir: dir(t.TempDir()), dev: "/nonexistent", sets: []drive.CommandSet{tongue{name: "ATA"}}}
	if a := d.Ask(); a.Set != "ATA" || a.Problem == "" {
		t.Errorf("of a drive that cannot be opened: set %q, problem %q", a.Set, a.Problem)
	}
}

// TestTranslated: a drive of which only the bridge before it knows that it speaks ATA is asked in ATA. If that does not get through,
// it is an ATA drive all the same.
func TestTranslated(t *testing.T) {
	front := drive.Answers{Set: "SCSI", Bridge: "USB bridge JMicron", Abilities: []drive.Ability{{Action: drive.FormatUnit}}, HiddenWhy: "who knows",
		Hidden: []drive.Hidden{{Kind: "area that the system does not reach", Bytes: 512}}}
	scsi := tongue{name: "SCSI", says: &front, err: drive.ErrTranslated}
	a := asked(t, tongue{name: "ATA", behind: true, says: &drive.Answers{Set: "ATA", HiddenWhy: "of its own"}}, scsi)
	if a.Set != "ATA" || a.HiddenWhy != "of its own" || a.Bridge != front.Bridge || len(a.Abilities)+len(a.Hidden) != 0 || a.Problem != "" {
		t.Errorf("answers %+v; want those of the drive, and the bridge", a)
	}
	a = asked(t, tongue{name: "ATA", behind: true, err: errors.New("ATA PASS-THROUGH refused")}, scsi)
	if a.Set != "ATA" || a.Problem == "" || len(a.Abilities) != 0 || a.HiddenWhy != "" || len(a.Hidden) != 1 {
		t.Errorf("answers %+v of a drive that nothing gets through to; want an ATA drive with a problem, which can do nothing to itself", a)
	}
	front.Another = "it is another drive"
	if a = asked(t, tongue{name: "ATA", behind: true, says: &drive.Answers{Set: "ATA"}}, scsi); a.Another != front.Another || a.Problem != front.Another {
		t.Errorf("the bridge says that it is another drive, and %+v does not", a)
	}
	if a = asked(t, scsi); a.Set != "SCSI" || len(a.Abilities) != 1 {
		t.Errorf("answers %+v where nobody speaks ATA; want those of the bridge", a)
	}
}

// TestTranslatedOrders: orders go the same way.
func TestTranslatedOrders(t *testing.T) {
	dev, _ := attach(t, 1)
	for _, c := range []struct {
		sets []drive.CommandSet
		want string
	}{
		{[]drive.CommandSet{tongue{name: "ATA", behind: true}, tongue{name: "SCSI", err: drive.ErrTranslated}}, "ATA"},
		{[]drive.CommandSet{tongue{name: "ATA", behind: true}, tongue{name: "SCSI"}}, "SCSI"},
		{[]drive.CommandSet{tongue{name: "SCSI", err: drive.ErrTranslated}}, ""},
		{nil, ""},
	} {
		s, err := New(dev, c.sets...)
		if err != nil {
			t.Fatal(err)
		}
		all, err := s.Find()
		if err != nil || len(all) != 1 {
			t.Fatalf("%v, %v", all, err)
		}
		claim := claimed(t, all[0])
		f, err := claim.Firmware()
		if got, _ := f.(orders); err == nil && got.Firmware.(orderly).name != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%d languages: orders by %+v, %v; want %q", len(c.sets), f, err, c.want)
		}
		if err == nil {
			_ = f.Close()
		}
		_ = claim.Close()
	}
}
