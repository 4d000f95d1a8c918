package ata

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// TestSpeaks: ATA disks behind anything, and nothing else.
func TestSpeaks(t *testing.T) {
	for _, c := range []struct {
		what string
		info drive.Info
		sys  map[string]string
		want bool
	}{
		{"a SATA disk", drive.Info{Vendor: "ATA", Transport: "sata"}, map[string]string{"device/type": "0\n", "removable": "0\n"}, true},
		{"a SATA disk behind a SAS HBA", drive.Info{Vendor: "ATA", Transport: "sas"}, map[string]string{"device/type": "0\n"}, true},
		{"a zoned disk", drive.Info{Vendor: "ATA", Transport: "sata"}, map[string]string{"device/type": "20\n"}, true},
		{"a USB bridge with the page", drive.Info{Vendor: "JMicron", Transport: "usb"}, map[string]string{"device/vpd_pg89": "x"}, true},
		{"a USB bridge without", drive.Info{Vendor: "JMicron", Transport: "usb"}, nil, false},
		{"a SAS disk", drive.Info{Vendor: "SEAGATE", Transport: "sas"}, nil, false},
		{"by the bus alone", drive.Info{Transport: "sata"}, nil, true},
		{"a CompactFlash card", drive.Info{Vendor: "ATA", Transport: "sata"}, map[string]string{"removable": "1\n"}, true},
		{"a DVD drive", drive.Info{Vendor: "HL-DT-ST", Transport: "sata"}, map[string]string{"device/type": "5\n", "removable": "1\n"}, false},
		{"a Zip drive", drive.Info{Vendor: "IOMEGA", Transport: "sata"}, map[string]string{"device/type": "0\n", "removable": "1\n"}, false},
		{"a DVD drive that says ATA", drive.Info{Vendor: "ATA", Transport: "usb"}, map[string]string{"device/type": "5\n"}, false},
		{"NVMe", drive.Info{Vendor: "ATA", Transport: "nvme"}, nil, false},
		{"NVMe over TCP", drive.Info{Vendor: "ATA", Transport: "nvme-tcp"}, nil, false},
		{"virtio", drive.Info{Vendor: "ATA", Transport: "virtio"}, nil, false},
		{"an SD card", drive.Info{Vendor: "ATA", Transport: "mmc"}, nil, false},
		{"a loop device", drive.Info{Vendor: "ATA", Transport: "loop"}, nil, false},
	} {
		sys := t.TempDir()
		for name, text := range c.sys {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(sys, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(sys, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := (Set{}).Speaks(drive.Node{Sys: sys, Info: c.info}); got != c.want {
			t.Errorf("Speaks(%s) = %v; want %v", c.what, got, c.want)
		}
	}
}

// TestAbilities: what a drive can do, why the rest is not possible, and what would help.
func TestAbilities(t *testing.T) {
	const no = "the drive does not have it"
	for _, c := range []struct {
		what            string
		make            func(*fake)
		sanitize        string // why not, of block erase
		erase, enhanced string // why not
		next            string // of security erase
	}{
		{"everything", func(f *fake) {}, "", "", "", ""},
		{"nothing", func(f *fake) { f.sanitize, f.security = 0, false }, no, no, no, ""},
		{"no block erase", func(f *fake) { f.sanitize = 0x7000 }, no, "", "", ""},
		{"no sanitize, for all the bits of its commands", func(f *fake) { f.sanitize = 0xe000 }, no, "", "", ""},
		{"no enhanced mode", func(f *fake) { f.words = map[int]uint16{128: 1} }, "", "", no, ""},
		{"frozen", func(f *fake) { f.secFrozen = true }, "", "frozen by the BIOS", "frozen by the BIOS", "unplug the drive's power and plug it in again, or suspend"},
		{"sanitize frozen", func(f *fake) { f.frozen = true }, "frozen by the BIOS or another program", "", "", ""},
		{"sanitizing", func(f *fake) { f.sanitizing = 3 }, "it is sanitizing already", "it is sanitizing", "it is sanitizing", "wait for its end"},
		{"the last sanitize failed", func(f *fake) { f.failed = true }, "", "", "", ""},
		{"locked", func(f *fake) { f.password, f.locked = "somebody's", true }, "the drive is locked with a password", "", "",
			"it has a password: it can only be erased so if that is wiped's own, which an interrupted erase leaves behind"},
		{"attempts used up", func(f *fake) { f.password, f.locked, f.attempts = "x", true, 5 }, "the drive is locked with a password",
			"too many wrong passwords were tried", "too many wrong passwords were tried", powerCycle},
	} {
		f := newFake(t)
		c.make(f)
		a := f.ask()
		if len(a.Abilities) != 5 {
			t.Fatalf("%s: %d abilities; want all 5 that ATA has", c.what, len(a.Abilities))
		}
		block, _ := a.Ability(drive.SanitizeBlock)
		erase, _ := a.Ability(drive.SecurityErase)
		enhanced, _ := a.Ability(drive.SecurityEraseEnhanced)
		if block.Why != c.sanitize || erase.Why != c.erase || enhanced.Why != c.enhanced || erase.Next != c.next {
			t.Errorf("%s: why not %q, %q, %q, next %q; want %q, %q, %q, %q", c.what, block.Why, erase.Why, enhanced.Why, erase.Next, c.sanitize, c.erase, c.enhanced, c.next)
		}
		if block.Blocks || !erase.Blocks || !enhanced.Blocks {
			t.Errorf("%s: sanitize blocks %v, security erase %v, %v; want only security erase to block", c.what, block.Blocks, erase.Blocks, enhanced.Blocks)
		}
		if erase.Takes != 2*time.Hour || enhanced.Takes != 10*time.Hour || block.Takes != 0 {
			if f.security {
				t.Errorf("%s: takes %v, %v, %v; want 2h, 10h, none", c.what, erase.Takes, enhanced.Takes, block.Takes)
			}
		}
	}
}

func TestSanitizeFacts(t *testing.T) {
	for _, c := range []struct {
		what       string
		make       func(*fake)
		fact, busy string
	}{
		{"never", func(f *fake) {}, "", ""},
		{"completed", func(f *fake) { f.sanitized = true }, "the last one completed without error", ""},
		{"failed", func(f *fake) { f.failed = true }, "the last one failed", ""},
		{"in progress", func(f *fake) { f.sanitizing = 2 }, "in progress", "sanitizing, 50 % done"},
		{"frozen", func(f *fake) { f.sanitized, f.frozen = true, true }, "the last one completed without error, frozen until the drive is switched off", ""},
		{"antifreeze", func(f *fake) { f.antifreeze = true }, "cannot be frozen until the drive is switched off", ""},
		{"an HBA that swallows the registers", func(f *fake) { f.sense = "swallowed" },
			"not known: SANITIZE STATUS EXT: the registers were lost: the HBA does not pass the status on", ""},
		{"a translator that loses the upper halves", func(f *fake) { f.sense, f.sanitized = "fixed", true },
			"not known: SANITIZE STATUS EXT: count(15:8) was lost: the HBA does not pass the status on", ""},
		{"no answer", func(f *fake) { f.fault = breaks(0xb4, 9, sg.Result{}, errHost) },
			"not known: SANITIZE STATUS EXT: no answer (host status 03h, driver status 00h)", ""},
	} {
		f := newFake(t)
		c.make(f)
		a := f.ask()
		fact := ""
		for _, x := range a.Facts {
			if x.Name == "sanitize status" {
				fact = x.Value
			}
		}
		if fact != c.fact || a.Busy != c.busy {
			t.Errorf("%s: %q, busy %q; want %q, %q", c.what, fact, a.Busy, c.fact, c.busy)
		}
	}
}

// TestAskChangesNothing: only commands that ask, none longer than 5 s, whatever the drive announces.
func TestAskChangesNothing(t *testing.T) {
	f := newFake(t)
	f.hpa, f.dco, f.native, f.factory = true, true, 3000, 4000
	f.ask()
	for _, c := range f.sent {
		feature, command := c.CDB[4], c.CDB[14]
		asks := command == 0xec || command == 0x27 || command == 0xb4 && feature == 0 || command == 0xb1 && feature == 0xc2
		if !asks || c.Out != nil || c.Timeout > 5*time.Second {
			t.Errorf("command % x with %d bytes, waiting %v; want only questions of 5 s", c.CDB, len(c.Out), c.Timeout)
		}
	}
	if len(f.sent) != 4 {
		t.Errorf("commands % x; want 4", f.commands())
	}
}

func TestNoAnswer(t *testing.T) {
	f := newFake(t)
	f.fault = func(int, byte) (sg.Result, error, bool) { return sg.Result{}, errHost, true }
	a, err := port{f}.ask(drive.Node{Sys: t.TempDir()})
	if err == nil || a.Set != "" {
		t.Errorf("Ask of a drive that does not answer = %+v, %v; want an error", a, err)
	}
}

// The page as a SAS HBA gives it.
func page89(vendor, product string) []byte {
	b := append([]byte{0, 0x89, 2, 0x38, 0, 0, 0, 0}, (vendor + strings.Repeat(" ", 8))[:8]...)
	return append(append(b, (product + strings.Repeat(" ", 16))[:16]...), make([]byte, 540)...)
}

func TestBridge(t *testing.T) {
	for _, c := range []struct {
		what string
		page []byte
		info drive.Info
		want string
	}{
		{"the kernel's own", page89("linux", "libata"), drive.Info{Vendor: "ATA", Transport: "sata"}, ""},
		{"no page", nil, drive.Info{Vendor: "ATA", Transport: "sata"}, ""},
		{"a SAS HBA", page89("LSI", "LSI SATA"), drive.Info{Vendor: "ATA", Transport: "sas"}, "SAS HBA LSI LSI SATA"},
		{"a SAS HBA without the page", nil, drive.Info{Vendor: "ATA", Transport: "sas"}, "SAS HBA"},
		{"a USB bridge without the page", nil, drive.Info{Vendor: "JMicron", Transport: "usb"}, "USB bridge JMicron"},
		{"a USB bridge", page89("ASMT\x1b", "2115"), drive.Info{Vendor: "ASMT", Transport: "usb"}, `USB bridge ASMT\x1b 2115`},
		{"another page", append([]byte{0, 0x83}, make([]byte, 80)...), drive.Info{Vendor: "ATA", Transport: "sata"}, ""},
	} {
		if got := bridge(drive.Node{Info: c.info}, translator(c.page)); got != c.want {
			t.Errorf("%s: %q; want %q", c.what, got, c.want)
		}
	}
}

func FuzzTranslator(f *testing.F) {
	f.Add(page89("linux", "libata"))
	f.Add(page89("LSI", "LSI SATA")[:36])
	f.Add([]byte{0, 0x89})
	f.Fuzz(func(t *testing.T, b []byte) {
		if name := translator(b); !plain(name) {
			t.Errorf("name %q", name)
		}
	})
}

// random is a drive, or what stands before it, that answers anything.
type random struct {
	b    []byte
	left int
}

func (r *random) byte() byte {
	if len(r.b) == 0 {
		return 0
	}
	x := r.b[0]
	r.b = r.b[1:]
	return x
}

func (r *random) take(n int) []byte {
	n = min(n, len(r.b))
	x := r.b[:n]
	r.b = r.b[n:]
	return x
}

func (r *random) Do(c sg.Command) (sg.Result, error) {
	if r.left--; r.left < 0 {
		panic("too many commands: it loops")
	}
	kind := r.byte()
	if kind == 0xff {
		return sg.Result{}, errHost
	}
	res := sg.Result{Status: kind & 2, Sense: sg.ParseSense(r.take(int(r.byte())))}
	res.Got = copy(c.In, r.take(len(c.In)))
	if kind&4 != 0 && res.Got == 512 {
		seal(c.In)
	}
	return res, nil
}

// FuzzAnswers proves that answers of any kind make no panic, no loop, no text that is not clean, and no success of a
// sanitize without the bit that says it.
func FuzzAnswers(f *testing.F) {
	d := newFake(f)
	d.hpa, d.dco = true, true
	seed := append([]byte{0, 0}, d.identify()...)
	for _, s := range []string{descriptorDone, descriptorAbort, fixedDone, fixedAbort, oldFixedAbort, invalidOpcode} {
		b := unhex(f, s)
		one := append([]byte{2, byte(len(b))}, b...)
		f.Add(append(append(append([]byte(nil), seed...), one...), one...))
		f.Add(append(append([]byte(nil), one...), one...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		info := drive.Info{Serial: "S", SerialSource: "VPD page 80h", WWN: "0x5000c50012345678", Size: 1 << 20, Transport: "usb"}
		a, err := port{&random{b: b, left: 20}}.ask(drive.Node{Sys: "/nonexistent", Info: info})
		if err == nil && len(a.Abilities) != 5 {
			t.Errorf("%d abilities", len(a.Abilities))
		}
		texts := []string{a.Problem, a.HiddenWhy, a.Busy, a.Bridge, a.Identity.Model, a.Identity.Serial}
		for _, h := range a.Hidden {
			if h.Bytes <= 0 {
				t.Errorf("hidden area %+v", h)
			}
		}
		for _, fact := range a.Facts {
			texts = append(texts, fact.Value)
		}
		r := &random{b: b, left: 20}
		st, err := (&firmware{port: port{r}, now: time.Now}).Status(drive.SanitizeBlock)
		texts = append(texts, st.Text)
		if err == nil && (st.Named || st.Done > 1 || st.Phase == drive.Succeeded && !strings.HasSuffix(st.Text, "completed without error")) {
			t.Errorf("status %+v", st)
		}
		for _, text := range texts {
			if !plain(text) {
				t.Errorf("text %q", text)
			}
		}
		for _, action := range []drive.Action{drive.SanitizeBlock, drive.SecurityErase} {
			r := &random{b: b, left: 60}
			err := (&firmware{port: port{r}, info: info, now: time.Now}).Erase(action)
			if least := map[drive.Action]int{drive.SanitizeBlock: 3, drive.SecurityErase: 5}[action]; err == nil && 60-r.left < least {
				t.Errorf("%s accepted after %d commands", action, 60-r.left)
			}
		}
		_ = (&firmware{port: port{&random{b: b, left: 60}}, info: info, now: time.Now}).Unhide()
	})
}
