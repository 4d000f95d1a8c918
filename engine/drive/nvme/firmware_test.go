package nvme

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"wiped/engine/drive"
)

func order(t *testing.T, f *fake) drive.Firmware {
	t.Helper()
	w, err := newFirmware(f, fakeNode(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	f.got = nil
	return w
}

// TestErase proves that each action is one command, which the drive carries out, and where its end shows.
func TestErase(t *testing.T) {
	for _, a := range ofBoth {
		f := newFake()
		w := order(t, f)
		if err := w.Erase(a); err != nil || f.changes != 1 {
			t.Fatalf("%s: %v, %d commands", a, err, f.changes)
		}
		var seen []drive.Phase
		for range 4 {
			s, err := w.Status(a)
			if err != nil || s.Other || s.Named != (s.Phase != drive.None) {
				t.Errorf("%s: %+v, %v", a, s, err)
			}
			seen = append(seen, s.Phase)
		}
		want := []drive.Phase{drive.Running, drive.Running, drive.Succeeded, drive.Succeeded}
		others := ""
		if _, ok := formats[a]; ok {
			want, others = []drive.Phase{drive.None, drive.None, drive.None, drive.None}, "DATA"
		}
		if fmt.Sprint(seen) != fmt.Sprint(want) || f.data[1] != "" || f.data[2] != others {
			t.Errorf("%s: phases %v, data %v; want %v", a, seen, f.data, want)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestLies proves what is said of drives that fail, forget, say something of another command or do nothing.
func TestLies(t *testing.T) {
	for lie, want := range map[string]drive.Status{
		"fails":      {Phase: drive.Failed, Done: -1, Named: true},
		"unexpected": {Phase: drive.Succeeded, Done: 1, Named: true},
		"forgets":    {Phase: drive.None, Done: -1},
		"other":      {Phase: drive.Succeeded, Done: 1, Other: true},
		"ignores":    {Phase: drive.None, Done: -1},
		"kept":       {Phase: drive.Succeeded, Done: 1, Named: true, Untouched: true}, // only reading the drive tells
	} {
		f := newFake()
		f.lie = lie
		w := order(t, f)
		if err := w.Erase(drive.SanitizeCrypto); err != nil {
			t.Fatal(err)
		}
		var got drive.Status
		for range 4 {
			got, _ = w.Status(drive.SanitizeCrypto)
		}
		if got.Text = ""; got != want {
			t.Errorf("%s: %+v; want %+v", lie, got, want)
		}
	}
}

// TestRefused proves that only a status which says that the drive did not begin is a refusal.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		action drive.Action
		err    error
		text   string // of the refusal; empty: it is left open what became of the command
	}{
		{drive.SanitizeBlock, status(0x4001), "status 0x4001"},
		{drive.SanitizeBlock, status(0x4002), "status 0x4002"},
		{drive.SanitizeBlock, status(0x001c), "status 0x001c"},
		{drive.SanitizeBlock, status(0x001d), "status 0x001d"},
		{drive.SanitizeBlock, status(0x2020), "status 0x2020"},
		{drive.SanitizeBlock, status(0x4123), "status 0x4123"},
		{drive.SanitizeBlock, status(0x010b), "status 0x010b"},
		{drive.SanitizeBlock, status(0x4110), "status 0x4110"},
		{drive.SanitizeBlock, status(0x4111), "status 0x4111"},
		{drive.FormatCrypto, status(0x410a), "status 0x410a"},
		{drive.FormatCrypto, status(0x4084), "status 0x4084"},
		{drive.FormatCrypto, status(0x400b), "status 0x400b"},
		{drive.FormatCrypto, status(0x4006), ""}, // Internal Error
		{drive.FormatCrypto, status(0x0007), ""}, // Command Abort Requested
		{drive.FormatCrypto, status(0x4280), ""}, // Write Fault
		{drive.FormatCrypto, status(0x0371), ""}, // the kernel gave it up
		{drive.FormatCrypto, status(0x0302), ""}, // no path
		{drive.FormatCrypto, status(0x07c1), ""}, // of the maker
		{drive.FormatCrypto, syscall.EINTR, ""},
		{drive.SanitizeBlock, syscall.ETIMEDOUT, ""},
		{drive.SanitizeBlock, syscall.EIO, ""},
		{drive.SanitizeBlock, lost(syscall.ENODEV), ""},
	} {
		f := newFake()
		f.fails[formatNVM], f.fails[sanitizeNVM] = c.err, c.err
		err := order(t, f).Erase(c.action)
		var r *drive.RefusedError
		switch refused := errors.As(err, &r); {
		case err == nil || refused != (c.text != ""):
			t.Errorf("%v: %v", c.err, err)
		case refused && (r.Text != c.text || r.Why == ""):
			t.Errorf("%v: %+v", c.err, *r)
		case !refused && !errors.Is(err, c.err):
			t.Errorf("%v became %v", c.err, err)
		}
	}
	if !errors.Is(lost(syscall.ENXIO), drive.ErrGone) || errors.Is(lost(syscall.EIO), drive.ErrGone) {
		t.Error("a drive that is gone is not told from one that fails")
	}
}

// TestNothingSent proves that what goes wrong before the command is a refusal, and that the command is not sent then.
func TestNothingSent(t *testing.T) {
	for name, c := range map[string]struct {
		action drive.Action
		change func(*fake)
	}{
		"format unknown":   {drive.FormatCrypto, func(f *fake) { f.blank[identifyNamespace] = true }},
		"no answer":        {drive.FormatUserData, func(f *fake) { f.fails[identifyNamespace] = errHung }},
		"impossible":       {drive.FormatUserData, func(f *fake) { f.ns[1][26] = 5 }},
		"not of this set":  {drive.SecurityErase, func(*fake) {}},
		"SCSI's":           {drive.FormatUnit, func(*fake) {}},
		"no such thing":    {"", func(*fake) {}},
		"nothing but junk": {drive.FormatCrypto, func(f *fake) { f.ns[1][29] = 0xff }},
	} {
		f := newFake()
		w := order(t, f)
		c.change(f)
		var r *drive.RefusedError
		if err := w.Erase(c.action); !errors.As(err, &r) || r.Why == "" || f.changes != 0 {
			t.Errorf("%s: %v, %d commands", name, err, f.changes)
		}
	}
}

// TestStatusErrors tells a drive that does not answer from one that cannot tell.
func TestStatusErrors(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool // an error
	}{
		"no such log":   {status(0x4109), false},
		"invalid field": {invalidField, false},
		"internal":      {status(0x4006), true},
		"path":          {status(0x0370), true},
		"hung":          {errHung, true},
		"gone":          {lost(syscall.ENODEV), true},
	} {
		f := newFake()
		w := order(t, f)
		f.fails[readSanitizeLog] = c.err
		s, err := w.Status(drive.SanitizeBlock)
		if (err != nil) != c.want || s.Phase != drive.None || s.Named || (err == nil && (s.Text == "" || s.Done >= 0)) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if c.want && !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := order(t, newFake())
	for _, err := range []error{w.Unhide(), w.Format(512)} {
		if !errors.Is(err, drive.ErrUnsupported) {
			t.Error(err)
		}
	}
	if _, err := w.Status(drive.SecurityErase); !errors.Is(err, drive.ErrUnsupported) {
		t.Error(err)
	}
}

// TestAfterRestart proves that a fresh look at a drive knows the sanitize that an earlier one began.
func TestAfterRestart(t *testing.T) {
	f := newFake()
	if err := order(t, f).Erase(drive.SanitizeOverwrite); err != nil {
		t.Fatal(err)
	}
	if s, err := order(t, f).Status(drive.SanitizeOverwrite); err != nil || s.Phase != drive.Running || !s.Named {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := order(t, f).Status(drive.SanitizeBlock); err != nil || s.Named || !s.Other {
		t.Errorf("for another action: %+v, %v", s, err)
	}
}

// TestFirmwareOfAnother proves that no orders are prepared for a drive that calls itself something else now, or nothing.
func TestFirmwareOfAnother(t *testing.T) {
	for name, change := range map[string]func(*fake){
		"another serial": func(f *fake) { f.ctrl[4] = 'T' },
		"no answer":      func(f *fake) { f.fails[identifyController] = errHung },
		"nothing":        func(f *fake) { f.blank[identifyController] = true },
	} {
		f := newFake()
		change(f)
		w, err := newFirmware(f, fakeNode(t.TempDir()))
		if err == nil || w != nil || errors.Is(err, drive.ErrChanged) != (name == "another serial") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNotNVMe proves that what takes no NVMe commands is an error, not a drive without abilities.
func TestNotNVMe(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "nvme0n1"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	n := fakeNode(t.TempDir())
	if a, err := (Set{}).Ask(file, n); !errors.Is(err, syscall.ENOTTY) || a.Abilities != nil {
		t.Errorf("%+v, %v", a, err)
	}
	if w, err := (Set{}).Firmware(file, n); !errors.Is(err, syscall.ENOTTY) {
		t.Errorf("%+v, %v", w, err)
	}
	if _, err := (device{file}).Do(command{opcode: opIdentify, data: make([]byte, pageBytes), timeout: questionTime}); !errors.Is(err, syscall.ENOTTY) {
		t.Error(err)
	}
}

// TestPassthru proves that the kernel's structure is laid out as the kernel has it.
func TestPassthru(t *testing.T) {
	var p passthru
	for name, c := range map[string]struct{ got, want uintptr }{
		"size": {unsafe.Sizeof(p), 72}, "nsid": {unsafe.Offsetof(p.nsid), 4}, "data": {unsafe.Offsetof(p.data), 24},
		"length": {unsafe.Offsetof(p.dataLength), 36}, "dwords": {unsafe.Offsetof(p.cdw), 40}, "timeout": {unsafe.Offsetof(p.timeout), 64},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d; want %d", name, c.got, c.want)
		}
	}
	if day := uint64(formatTime.Milliseconds()); day > 1<<32-1 {
		t.Errorf("the deadline of %d ms does not fit", day)
	}
}

// TestStatusText proves how a status reads in a record.
func TestStatusText(t *testing.T) {
	for s, want := range map[status]string{
		0x4001: "Invalid Command Opcode (status 0x4001)", 0x4006: "status 0x4006",
	} {
		if s.Error() != want {
			t.Errorf("%q; want %q", s.Error(), want)
		}
	}
	for code, r := range refusals {
		if code&^0x7ff != 0 || r.name == "" || r.why == "" || strings.HasSuffix(r.why, ".") {
			t.Errorf("%#x: %+v", code, r)
		}
	}
}
