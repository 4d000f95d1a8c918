package nvme

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"wiped/engine/drive"
)

var (
	ofSanitize = []drive.Action{drive.SanitizeBlock, drive.SanitizeOverwrite, drive.SanitizeCrypto}
	ofFormat   = []drive.Action{drive.FormatCrypto, drive.FormatUserData}
	ofBoth     = append(slices.Clone(ofSanitize), ofFormat...)
)

func put16(b []byte, at int, n uint16) { binary.LittleEndian.PutUint16(b[at:], n) }
func put32(b []byte, at int, n uint32) { binary.LittleEndian.PutUint32(b[at:], n) }

// TestAbilities proves for each reason against an action that it is seen, said, and stands against no other action.
func TestAbilities(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(f *fake, n *drive.Node)
		cannot  []drive.Action
		why     string // part of the reason
		problem string // part of what is said of the drive as a whole
	}{
		{name: "everything", change: func(*fake, *drive.Node) {}},
		{name: "no sanitize", change: func(f *fake, _ *drive.Node) { put32(f.ctrl, 328, 0) }, cannot: ofSanitize, why: "no Sanitize command"},
		{name: "one action", change: func(f *fake, _ *drive.Node) { put32(f.ctrl, 328, 0b010) },
			cannot: []drive.Action{drive.SanitizeOverwrite, drive.SanitizeCrypto}, why: "Sanitize command has no"},
		{name: "no format", change: func(f *fake, _ *drive.Node) { put16(f.ctrl, 256, 1<<3) }, cannot: ofFormat, why: "no Format NVM"},
		{name: "no crypto in format", change: func(f *fake, _ *drive.Node) { f.ctrl[524] = 0 },
			cannot: []drive.Action{drive.FormatCrypto}, why: "no cryptographic erase"},
		{name: "no sanitize log", change: func(f *fake, _ *drive.Node) { f.fails[readSanitizeLog] = invalidField },
			cannot: ofSanitize, why: "could not be followed"},
		{name: "sanitizing", change: func(f *fake, _ *drive.Node) { put32(f.log, 0, 0x0a<<16|0x8000) }, cannot: ofBoth, why: "sanitizing, 50 % done"},
		{name: "unknown state", change: func(f *fake, _ *drive.Node) { f.log[2] = 6 }, cannot: ofSanitize, why: "not known here"},
		{name: "last sanitize failed", change: func(f *fake, _ *drive.Node) { f.log[2] = 3 }, cannot: ofFormat, why: "sanitize of this drive failed"},
		{name: "formatting", change: func(f *fake, _ *drive.Node) { f.ns[1][32] = 0x80 | 70 }, cannot: ofBoth, why: "formatting, 30 % done"},
		{name: "write protected", change: func(f *fake, _ *drive.Node) { f.ns[1][99] = 1 }, cannot: ofBoth, why: "write protected"},
		{name: "empty blocks cannot be read", change: func(f *fake, _ *drive.Node) { f.ns[1][24], f.dulbe = 1<<2, true },
			cannot: []drive.Action{drive.SanitizeBlock, drive.SanitizeCrypto, drive.FormatCrypto, drive.FormatUserData}, why: "could not be read"},
		{name: "unknown protection", change: func(f *fake, _ *drive.Node) { f.ns[1][29] = 5 }, cannot: ofFormat, why: "protection information is of type 5"},
		{name: "no list", change: func(f *fake, _ *drive.Node) { f.fails[activeList] = invalidField },
			cannot: ofSanitize, why: "cannot be told what else it would erase"},
		{name: "no list of the unattached", change: func(f *fake, _ *drive.Node) { f.fails[allocatedList] = invalidField },
			cannot: ofSanitize, why: "cannot be told what else it would erase"},
		{name: "empty list", change: func(f *fake, _ *drive.Node) { f.blank[activeList] = true }, cannot: ofSanitize, why: "lacks this one"},
		{name: "no list, and a format that reaches all", change: func(f *fake, _ *drive.Node) {
			f.fails[activeList] = invalidField
			f.ctrl[524] = 0b110
		}, cannot: ofBoth, why: "cannot be told what else it would erase"},
		{name: "numbers beyond the highest", change: func(f *fake, _ *drive.Node) { f.hidden = []uint32{9} }, cannot: ofSanitize, why: "has a namespace 9"},
		{name: "other controllers unknown", change: func(f *fake, _ *drive.Node) {
			f.ctrl[76] = 1 << 1
			put16(f.ctrl, 256, 1<<1)
		}, cannot: ofSanitize, why: "further controllers"},
		{name: "no sysfs", change: func(_ *fake, n *drive.Node) { n.Sys = "/nonexistent/nvme0n1" }, cannot: ofSanitize, why: "no such file"},
		{name: "another number in sysfs", change: func(f *fake, _ *drive.Node) { f.nsid = 2 }, cannot: ofSanitize, why: "does not show nvme0n1 as its namespace 2"},
		{name: "another size than the kernel's", change: func(_ *fake, n *drive.Node) { n.Info.Size++ }, cannot: ofBoth, why: "prove nothing", problem: "the kernel says"},
		{name: "no size", change: func(f *fake, n *drive.Node) { n.Info.Size = 0; clear(f.ns[1][:8]) }, cannot: ofBoth, why: "prove nothing", problem: "has 0 bytes"},
		{name: "another serial than the kernel's", change: func(f *fake, _ *drive.Node) { f.ctrl[4] = 'T' }, cannot: ofBoth, why: "prove nothing", problem: "T123"},
		{name: "no controller data", change: func(f *fake, _ *drive.Node) { f.blank[identifyController] = true }, cannot: ofBoth,
			why: "prove nothing", problem: "nothing in it"},
		{name: "controller data refused", change: func(f *fake, _ *drive.Node) { f.fails[identifyController] = invalidField }, cannot: ofBoth,
			why: "prove nothing", problem: "Invalid Field"},
		{name: "no namespace data", change: func(f *fake, _ *drive.Node) { f.blank[identifyNamespace] = true }, cannot: ofBoth,
			why: "prove nothing", problem: "nothing in it"},
		{name: "hangs in the middle", change: func(f *fake, _ *drive.Node) { f.fails[readHealthLog] = errHung }, cannot: ofBoth,
			why: "prove nothing", problem: "does not answer any more"},
		{name: "no health log", change: func(f *fake, _ *drive.Node) { f.fails[readHealthLog] = invalidField }},
		{name: "serial made by the station", change: func(_ *fake, n *drive.Node) { n.Info.Serial = "~ns-0123456789" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, n := newFake(), fakeNode(fakeTree(t))
			c.change(f, &n)
			a, err := ask(f, n)
			if err != nil {
				t.Fatal(err)
			}
			if another := strings.HasPrefix(c.name, "another size") || strings.HasPrefix(c.name, "another serial"); another != (a.Another != "") {
				t.Errorf("another drive: %q; want %v", a.Another, another)
			}
			if !strings.Contains(a.Problem, c.problem) || (c.problem == "") != (a.Problem == "") {
				t.Errorf("problem %q; want %q in it", a.Problem, c.problem)
			}
			for _, action := range ofBoth {
				ability, ok := a.Ability(action)
				want := slices.Contains(c.cannot, action)
				if !ok || (ability.Why != "") != want || (want && !strings.Contains(ability.Why, c.why)) {
					t.Errorf("%s: why %q; want %q: %v", action, ability.Why, c.why, want)
				}
			}
			if f.changes != 0 {
				t.Errorf("asking sent %d commands that change something", f.changes)
			}
		})
	}
}

// TestAskedQuestions proves that no question may last longer than 5 s, and that after one that hung no other is sent.
func TestAskedQuestions(t *testing.T) {
	f := newFake()
	f.ns[1][24] = 1 << 2
	if _, err := ask(f, fakeNode(fakeTree(t))); err != nil {
		t.Fatal(err)
	}
	for _, c := range f.got {
		if c.timeout <= 0 || c.timeout > 5*time.Second || c.opcode >= opFormatNVM {
			t.Errorf("sent %+v", c)
		}
	}
	all := len(f.got)
	f = newFake()
	f.fails[identifyNamespace] = errHung
	if a, err := ask(f, fakeNode(fakeTree(t))); err != nil || a.Problem == "" || len(f.got) != 2 {
		t.Errorf("after one hung: %v, %q, %d questions of %d", err, a.Problem, len(f.got), all)
	}
	f = newFake()
	f.fails[identifyController] = syscall.ENODEV
	if _, err := ask(f, fakeNode(fakeTree(t))); !errors.Is(err, syscall.ENODEV) || len(f.got) != 1 {
		t.Errorf("a drive that is gone: %v after %d questions", err, len(f.got))
	}
}

// TestReaches proves that nothing which an action erases beside the drive itself is left out.
func TestReaches(t *testing.T) {
	two, three := drive.Reach{Name: "nvme0n2", What: "namespace 2"}, drive.Reach{What: "namespace 3"}
	f := newFake()
	f.hidden = []uint32{3}
	f.add(4) // attached, but the kernel has no block device for it
	four := drive.Reach{What: "namespace 4"}
	for _, c := range []struct {
		name   string
		fna    byte
		action drive.Action
		want   []drive.Reach
	}{
		{"sanitize", 0b100, drive.SanitizeBlock, []drive.Reach{two, three, four}},
		{"format of one", 0b100, drive.FormatUserData, nil},
		{"format of all", 0b101, drive.FormatUserData, []drive.Reach{two, three, four}},
		{"erase of all", 0b110, drive.FormatCrypto, []drive.Reach{two, three, four}},
	} {
		f.ctrl[524] = c.fna
		a, err := ask(f, fakeNode(fakeTree(t)))
		ability, _ := a.Ability(c.action)
		if err != nil || ability.Why != "" || !slices.Equal(ability.Reaches, c.want) {
			t.Errorf("%s: reaches %+v, why %q, %v; want %+v", c.name, ability.Reaches, ability.Why, err, c.want)
		}
	}
}

// TestTwins proves that a namespace which the kernel has under a second name is not formatted as if that were another drive.
func TestTwins(t *testing.T) {
	twin := drive.Reach{Name: "nvme1n1", What: "namespace 1 by way of another controller"}
	two := drive.Reach{Name: "nvme0n2", What: "namespace 2"}
	sys := newTree(t, map[string]entry{"nvme0n1": {"nvme0", "1"}, "nvme0n2": {"nvme0", "2"}, "nvme1n1": {"nvme1", "1"}},
		map[string]string{"nvme0": "nqn.one", "nvme1": "nqn.one"})
	for name, c := range map[string]struct {
		fna   byte
		sys   string
		paths []string
		want  []drive.Reach
		can   bool
	}{
		"format of one":           {0b100, sys, nil, []drive.Reach{twin}, true},
		"format of all":           {0b101, sys, nil, []drive.Reach{twin, two}, true},
		"a known path":            {0b100, sys, []string{"/dev/nvme0n1", "/dev/nvme1n1"}, nil, true},
		"the kernel cannot tell":  {0b100, "/nonexistent", nil, nil, false},
		"it shows another number": {0b100, newTree(t, map[string]entry{"nvme0n1": {"nvme0", "3"}}, nil), nil, nil, false},
	} {
		f, n := newFake(), fakeNode(c.sys)
		f.ctrl[76], f.ctrl[524], f.ns[1][30] = 1<<1, c.fna, 1
		n.Info.Paths = append(n.Info.Paths, c.paths...)
		a, err := ask(f, n)
		ability, _ := a.Ability(drive.FormatUserData)
		if err != nil || (ability.Why == "") != c.can || !slices.Equal(ability.Reaches, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, ability, err, c.want)
		}
	}
}

// TestManyNamespaces proves that a list is read to its end, and that one without an end is none.
func TestManyNamespaces(t *testing.T) {
	f := newFake()
	for id := uint32(3); id <= 1500; id++ {
		f.hidden = append(f.hidden, id)
	}
	put32(f.ctrl, 516, 1500)
	a, err := ask(f, fakeNode(fakeTree(t)))
	if ability, _ := a.Ability(drive.SanitizeBlock); err != nil || ability.Why != "" || len(ability.Reaches) != 1499 {
		t.Errorf("%d namespaces, why %q, %v", len(ability.Reaches), ability.Why, err)
	}
	for id := uint32(1501); id < 20000; id++ {
		f.hidden = append(f.hidden, id)
	}
	a, err = ask(f, fakeNode(fakeTree(t)))
	if ability, _ := a.Ability(drive.SanitizeBlock); err != nil || !strings.Contains(ability.Why, "does not end") {
		t.Errorf("why %q, %v", ability.Why, err)
	}
}

// TestOneNamespace proves that a drive with one namespace needs no list, unless another controller could have one more.
func TestOneNamespace(t *testing.T) {
	for _, c := range []struct {
		name string
		cmic byte
		oacs uint16
		nmic byte
		can  bool
	}{
		{"one controller", 0, 1 << 1, 0, true},
		{"several, shared", 1 << 1, 1 << 1, 1, true},
		{"several, numbers are unique", 1<<1 | 1<<3, 1 << 1, 0, true},
		{"several, private", 1 << 1, 1 << 1, 0, false},
	} {
		f := newFake()
		delete(f.ns, 2)
		f.ctrl[76], f.ns[1][30] = c.cmic, c.nmic
		put16(f.ctrl, 256, c.oacs)
		put32(f.ctrl, 516, 1)
		f.fails[activeList], f.fails[allocatedList] = invalidField, invalidField
		n := fakeNode(newTree(t, map[string]entry{"nvme0n1": {"nvme0", "1"}}, nil))
		a, err := ask(f, n)
		if ability, _ := a.Ability(drive.SanitizeBlock); err != nil || (ability.Why == "") != c.can || len(ability.Reaches) != 0 {
			t.Errorf("%s: %+v, %v", c.name, ability, err)
		}
	}
}

// TestAnswers proves what is said of a drive, and that each fact names where it came from.
func TestAnswers(t *testing.T) {
	f := newFake()
	put32(f.ctrl, 312, 2)
	f.log[2] = sanitizeFailed
	copy(f.ns[1][120:], []byte{0, 1, 2, 3, 4, 5, 6, 7})
	a, err := ask(f, fakeNode(fakeTree(t)))
	if err != nil {
		t.Fatal(err)
	}
	if want := (drive.Identity{Vendor: "Samsung", Model: "Fake SSD", Firmware: "1.0", Serial: "S123"}); a.Identity != want || a.Set != "NVMe" {
		t.Errorf("identity %+v of %s; want %+v", a.Identity, a.Set, want)
	}
	if !slices.Equal(a.Kept, []string{"RPMB (2)"}) {
		t.Errorf("kept %q", a.Kept)
	}
	facts := map[string]drive.Fact{}
	for _, fact := range a.Facts {
		facts[fact.Name] = fact
		if fact.Value == "" || fact.Source == "" {
			t.Errorf("fact %+v", fact)
		}
	}
	for name, want := range map[string]string{
		"last sanitize": "failed (SSTAT 0x0003, SCDW10 0x00000000)", "EUI-64": "0001020304050607", "NVMe version": "1.4.0",
		"admin commands (OACS)": "0xa: Format NVM, namespace management", "Format NVM (FNA)": "0x4: cryptographic erase",
		"sanitize (SANICAP)": "0x40000007: crypto erase, block erase, overwrite, writes nothing more afterwards", "highest namespace (NN)": "8",
		"LBA format": "number 1, blocks of 4096 bytes", "temperature": "42 °C", "rated writes used": "3 %", "deallocated blocks read as": "zeros",
		"size of the namespace": "1073741824 bytes", "shares its drive with": "namespace 2 (nvme0n2)", "PCI vendor": "144dh",
	} {
		if facts[name].Value != want {
			t.Errorf("fact %q: %+v; want %q", name, facts[name], want)
		}
	}
	for action, takes := range map[drive.Action]time.Duration{
		drive.SanitizeBlock: 7 * time.Second, drive.SanitizeOverwrite: 200 * time.Second, drive.SanitizeCrypto: 0, drive.FormatCrypto: 0,
	} {
		ability, _ := a.Ability(action)
		if ability.Takes != takes || ability.Blocks != (action == drive.FormatCrypto) || !strings.Contains(ability.Next, "only a sanitize that succeeds") {
			t.Errorf("ability %+v; want it to take %s", ability, takes)
		}
	}
}

// TestSpeaks proves that only block devices of namespaces are spoken to.
func TestSpeaks(t *testing.T) {
	for name, want := range map[string]bool{
		"nvme0n1": true, "nvme10n200": true, "nvme0n1p1": false, "nvme0c0n1": false, "nvme0": false, "sda": false, "": false, "ng0n1": false,
	} {
		if got := (Set{}).Speaks(drive.Node{Info: drive.Info{Name: name}}); got != want {
			t.Errorf("Speaks(%q) = %v", name, got)
		}
	}
}
