package ata

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// TestHidden: what is hidden, in bytes, and what could not be told.
func TestHidden(t *testing.T) {
	const k = 512
	for _, c := range []struct {
		what string
		make func(*fake)
		want []drive.Hidden
		why  string
	}{
		{"no such feature, and the commands are not even sent", func(f *fake) { f.native, f.factory = 3000, 4000 }, nil, ""},
		{"nothing", func(f *fake) { f.hpa, f.dco = true, true }, nil, ""},
		{"an HPA", func(f *fake) { f.hpa, f.native = true, 3000 }, []drive.Hidden{{Kind: "HPA", Bytes: 1000 * k}}, ""},
		{"an HPA, 28 bits", func(f *fake) { f.hpa, f.narrow, f.native = true, true, 0x0abcdef }, []drive.Hidden{{Kind: "HPA", Bytes: (0x0abcdef - 2000) * k}}, ""},
		{"an HPA of 4096-byte sectors", func(f *fake) {
			f.hpa, f.native, f.words = true, 3000, map[int]uint16{106: 0x5000, 117: 2048}
		}, []drive.Hidden{{Kind: "HPA", Bytes: 1000 * 4096}}, ""},
		{"an AMA beyond 2 TiB", func(f *fake) { f.ama, f.native = true, 1<<40 }, []drive.Hidden{{Kind: "AMA", Bytes: (1<<40 - 2000) * k}}, ""},
		{"a DCO", func(f *fake) { f.dco, f.factory = true, 4000 }, []drive.Hidden{{Kind: "DCO", Bytes: 2000 * k}}, ""},
		{"an HPA above a DCO", func(f *fake) { f.hpa, f.dco, f.native, f.factory = true, true, 3000, 4000 },
			[]drive.Hidden{{Kind: "HPA", Bytes: 1000 * k}, {Kind: "DCO", Bytes: 1000 * k}}, ""},
		{"an HPA in fixed format", func(f *fake) { f.hpa, f.native, f.sense = true, 3000, "fixed" }, []drive.Hidden{{Kind: "HPA", Bytes: 1000 * k}}, ""},
		{"an HPA in fixed format, beyond 24 bits", func(f *fake) { f.hpa, f.native, f.sense = true, 1<<30, "fixed" }, nil, "HPA: READ NATIVE MAX ADDRESS EXT: the registers were lost on the way"},
		{"an HPA, registers swallowed", func(f *fake) { f.hpa, f.native, f.sense = true, 3000, "swallowed" }, nil, "HPA: READ NATIVE MAX ADDRESS EXT: the registers were lost on the way"},
		{"an HPA, no extend bit", func(f *fake) { f.hpa, f.native, f.sense = true, 3000, "no extend" }, nil, "HPA: READ NATIVE MAX ADDRESS EXT: the registers were lost on the way"},
		{"an HPA, registers zeroed", func(f *fake) { f.hpa, f.native, f.sense = true, 3000, "no lba" }, nil, "HPA: 1 sectors would be less than the 2000 that are there"},
		{"an HPA, and no answer", func(f *fake) { f.hpa = true; f.fault = breaks(0x27, 9, sg.Result{}, errHost) }, nil, "HPA: READ NATIVE MAX ADDRESS EXT: no answer (host status 03h, driver status 00h)"},
		{"an HPA, and a bridge that does not know the command", func(f *fake) { f.hpa = true; f.fault = breaks(0x27, 9, sensed(unhex(t, invalidOpcode)), nil) }, nil, "HPA: READ NATIVE MAX ADDRESS EXT: sense 5/20/00"},
		{"a frozen DCO", func(f *fake) { f.dco, f.overlayFrozen, f.factory = true, true, 4000 }, nil,
			"DCO: DEVICE CONFIGURATION IDENTIFY: the drive refused (ATA status 51h, error 04h): its configuration may be frozen until it is switched off"},
		{"a DCO of zeros", func(f *fake) { f.dco = true; f.fault = breaks(0xb1, 9, sg.Result{Got: 512}, nil) }, nil, "DCO: DEVICE CONFIGURATION IDENTIFY: what came back is not to be trusted"},
		{"a DCO smaller than the drive", func(f *fake) { f.dco, f.factory = true, 1000 }, nil, "DCO: 1000 sectors would be less than the 2000 that are there"},
		{"no size", func(f *fake) { f.hpa, f.reached = true, 0 }, nil, "the drive does not say its size"},
		{"a DCO, and an HPA that could not be told", func(f *fake) {
			f.hpa, f.dco, f.factory = true, true, 4000
			f.fault = breaks(0x27, 9, sensed(unhex(t, descriptorAbort)), nil)
		}, []drive.Hidden{{Kind: "DCO", Bytes: 2000 * k}}, "HPA: READ NATIVE MAX ADDRESS EXT: ATA status 51h, error 04h"},
		{"sanitizing", func(f *fake) { f.hpa, f.native, f.sanitizing = true, 3000, 3 }, nil, "the drive does not answer for them while it is sanitizing"},
	} {
		f := newFake(t)
		c.make(f)
		a := f.ask()
		if !reflect.DeepEqual(a.Hidden, c.want) || a.HiddenWhy != c.why {
			t.Errorf("%s: %+v, why %q; want %+v, why %q", c.what, a.Hidden, a.HiddenWhy, c.want, c.why)
		}
	}
}

// TestUnreached: the system sees less of the drive than there is, or more.
func TestUnreached(t *testing.T) {
	const k = 512
	gap := func(bytes, seen int64) drive.Hidden {
		return drive.Hidden{Kind: "area that the system does not reach", Bytes: bytes, Why: fmt.Sprintf("the system sees only %d bytes of the drive", seen),
			Next: "attach it without the bridge, or unplug it and plug it in again"}
	}
	for _, c := range []struct {
		what    string
		seen    int64
		make    func(*fake)
		want    []drive.Hidden
		problem string
	}{
		{"all", 2000 * k, func(f *fake) {}, nil, ""},
		{"not known", 0, func(f *fake) {}, nil, ""},
		{"SET MAX ADDRESS, and the kernel did not look again", 1000 * k, func(f *fake) { f.hpa = true }, []drive.Hidden{gap(1000*k, 1000*k)}, ""},
		{"a bridge that cuts at 2 TiB", 1 << 41, func(f *fake) { f.reached = 1<<32 + 8 }, []drive.Hidden{gap(8*k, 1<<41)}, ""},
		{"a bridge with sectors of its own", 1999 * k, func(f *fake) {}, []drive.Hidden{gap(k, 1999*k)}, ""},
		{"sectors of 4096 bytes", 2000 * 4096, func(f *fake) { f.words = map[int]uint16{106: 0x5000, 117: 2048} }, nil, ""},
		{"an HPA besides", 1000 * k, func(f *fake) { f.hpa, f.native = true, 3000 }, []drive.Hidden{{Kind: "HPA", Bytes: 1000 * k}, gap(1000*k, 1000*k)}, ""},
		{"while it is sanitizing", 1000 * k, func(f *fake) { f.sanitizing = 3 }, []drive.Hidden{gap(1000*k, 1000*k)}, ""},
		{"two drives as one", 4000 * k, func(f *fake) {}, nil,
			"it says that it has 1024000 bytes, and the system sees 2048000: it is not, or not only, this drive"},
		{"no size", 1000 * k, func(f *fake) { f.reached = 0 }, nil, ""},
	} {
		f := newFake(t)
		c.make(f)
		f.info.Size = c.seen
		a := f.ask()
		if !reflect.DeepEqual(a.Hidden, c.want) || a.Problem != c.problem || a.Problem != "" && a.Can(drive.SanitizeBlock) {
			t.Errorf("%s: %+v, problem %q, abilities %+v; want %+v, %q", c.what, a.Hidden, a.Problem, a.Abilities, c.want, c.problem)
		}
	}
}

// TestUnhideUnreached: what the system does not reach is nothing that the drive could open.
func TestUnhideUnreached(t *testing.T) {
	f := newFake(t)
	f.hpa, f.dco, f.info.Size = true, true, 1000*512
	if err := f.orders().Unhide(); err != nil {
		t.Errorf("Unhide = %v; want no error, for the drive hides nothing", err)
	}
	for _, command := range f.commands() {
		if command == 0x37 || command == 0xf9 {
			t.Errorf("sent % x; want no order", f.commands())
		}
	}
}

// TestNotAnnounced: HPA and AMA count only where the words that vouch for their bits are in use.
func TestNotAnnounced(t *testing.T) {
	for _, words := range []map[int]uint16{
		{83: 0x0400}, {83: 0x8400}, {87: 0x0100}, {82: 2}, {85: 0},
		{82: 2, 86: 0x8000, 119: 0x0100}, {82: 2, 119: 0x4100}, {82: 2, 86: 0xffff, 119: 0x4100},
	} {
		id := with(t, map[int]uint16{82: 2 | 1<<10, 85: 1 << 10})
		if id.maxAddress() != hpa {
			t.Fatalf("an HPA drive: %q; want %q", id.maxAddress(), hpa)
		}
		for n, w := range words {
			id[n] = w
		}
		if got := id.maxAddress(); got != "" {
			t.Errorf("words %x: %q; want nothing", words, got)
		}
	}
}

// TestUnhide: areas are opened in their order, and the drive's own word is what counts in the end.
func TestUnhide(t *testing.T) {
	for _, c := range []struct {
		what string
		make func(*fake)
		size uint64
		sent []byte // of the commands that change something
	}{
		{"nothing hidden", func(f *fake) { f.hpa, f.dco = true, true }, 2000, nil},
		{"an HPA", func(f *fake) { f.hpa, f.native, f.factory = true, 3000, 3000 }, 3000, []byte{0x37}},
		{"an HPA, 28 bits", func(f *fake) { f.hpa, f.narrow, f.native = true, true, 0x1abcdef }, 0x1abcdef, []byte{0xf9}},
		{"an HPA, beyond 2 TiB", func(f *fake) { f.hpa, f.native = true, 1<<40+7 }, 1<<40 + 7, []byte{0x37}},
		{"an AMA", func(f *fake) { f.ama, f.native = true, 1<<40+7 }, 1<<40 + 7, []byte{0x78}},
		{"a DCO", func(f *fake) { f.hpa, f.dco, f.factory = true, true, 4000 }, 4000, []byte{0xb1}},
		{"an HPA above a DCO", func(f *fake) { f.hpa, f.dco, f.native, f.factory = true, true, 3000, 4000 }, 4000, []byte{0x37, 0xb1}},
	} {
		f := newFake(t)
		c.make(f)
		if err := f.orders().Unhide(); err != nil || f.reached != c.size {
			t.Errorf("%s: %v, %d sectors; want no error, %d", c.what, err, f.reached, c.size)
		}
		var changing []byte
		for _, x := range f.sent {
			switch command, feature := x.CDB[14], x.CDB[4]; {
			case command == 0x37, command == 0xf9, command == 0x78 && feature == 1, command == 0xb1 && feature == 0xc0:
				changing = append(changing, command)
			}
		}
		if !bytes.Equal(changing, c.sent) {
			t.Errorf("%s: changed by % x; want % x", c.what, changing, c.sent)
		}
	}
}

// TestUnhideRefused: an area that stays closed is an error with the way out, and what was opened is told.
func TestUnhideRefused(t *testing.T) {
	for _, c := range []struct {
		what      string
		make      func(*fake)
		why, next string
	}{
		{"SET MAX locked by a password", func(f *fake) { f.hpa, f.native, f.setLocked = true, 3000, true }, "it did not take SET MAX ADDRESS EXT for its HPA", "plug it in again"},
		{"one change between power cycles", func(f *fake) { f.hpa, f.dco, f.native, f.factory, f.oncePerPower = true, true, 3000, 4000, true },
			"the HPA was opened; it did not take DEVICE CONFIGURATION RESTORE for its DCO", "plug it in again"},
		{"a frozen DCO", func(f *fake) { f.dco, f.factory, f.overlayFrozen = true, 4000, true }, "it could not be told what is hidden", "plug it in again"},
		{"GOOD, and nothing done", func(f *fake) { f.hpa, f.native = true, 3000; f.fault = breaks(0x37, 9, sg.Result{}, nil) }, "the HPA was opened; still hidden: HPA of 512000 bytes", "plug it in again"},
		{"no answer", func(f *fake) { f.hpa, f.native = true, 3000; f.fault = breaks(0x37, 9, sg.Result{}, errHost) }, "the HPA could not be opened: SET MAX ADDRESS EXT: no answer", "plug it in again"},
		{"a bridge that does not know the command", func(f *fake) {
			f.hpa, f.native = true, 3000
			f.fault = breaks(0x37, 9, sensed(unhex(t, invalidOpcode)), nil)
		}, "does not pass the command on", "SATA port"},
		{"the look before is lost", func(f *fake) {
			f.hpa, f.native = true, 3000
			f.fault = func(n int, command byte) (sg.Result, error, bool) {
				return sg.Result{}, errHost, command == 0x27 && n > 1
			}
		}, "the HPA could not be opened: READ NATIVE MAX ADDRESS EXT: no answer", "plug it in again"},
	} {
		f := newFake(t)
		c.make(f)
		err := f.orders().Unhide()
		var refused *drive.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(refused.Why, c.why) || !strings.Contains(refused.Next, c.next) {
			t.Errorf("%s: %#v; want a refusal with %q, then %q", c.what, err, c.why, c.next)
		}
	}
	f := newFake(t)
	f.fault = breaks(0xec, 9, sg.Result{}, errHost)
	if err := f.orders().Unhide(); !errors.Is(err, errHost) {
		t.Errorf("a drive that does not answer: %v; want %v", err, errHost)
	}
}

// TestUnhideTwice: what one power cycle does not allow, two do.
func TestUnhideTwice(t *testing.T) {
	f := newFake(t)
	f.hpa, f.dco, f.native, f.factory, f.oncePerPower = true, true, 3000, 4000, true
	if err := f.orders().Unhide(); err == nil {
		t.Fatal("the first time: no error; want one")
	}
	f.powerOff()
	if err := f.orders().Unhide(); err != nil || f.reached != 4000 {
		t.Errorf("after a power cycle: %v, %d sectors; want no error, 4000", err, f.reached)
	}
}

// FuzzOverlay proves that no block makes a panic, or an address that a drive cannot have.
func FuzzOverlay(f *testing.F) {
	d := newFake(f)
	d.dco = true
	b, _ := d.overlay(0xc2)
	f.Add(b)
	f.Add(make([]byte, 512))
	f.Add(b[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		lba, err := parseOverlay(b)
		if err == nil && (lba == 0 || lba >= 1<<48 || !summed(b)) {
			t.Errorf("address %d, checksum %v", lba, summed(b))
		}
		if err != nil && lba != 0 {
			t.Errorf("address %d with %v", lba, err)
		}
	})
}
