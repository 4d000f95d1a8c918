package nvme

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"wiped/engine/drive"
)

func FuzzController(f *testing.F) {
	f.Add(page(f, pageBytes, qemuController))
	f.Add(newFake().ctrl)
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseController(b)
		if err != nil && c != (controller{}) {
			t.Errorf("%+v together with %v", c, err)
		}
		for _, s := range []string{c.serial, c.model, c.firmware} {
			if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q is not escaped", s)
			}
		}
	})
}

func FuzzNamespace(f *testing.F) {
	f.Add(page(f, pageBytes, qemuNamespace))
	f.Add(newFake().ns[1])
	f.Fuzz(func(t *testing.T, b []byte) {
		ns, err := parseNamespace(b)
		if err != nil && ns != (namespace{}) {
			t.Errorf("%+v together with %v", ns, err)
		}
		size, err := ns.bytes()
		if err == nil && (size < 0 || uint64(size)>>ns.format[ns.inUse()].shift != ns.blocks) {
			t.Errorf("%d bytes of %d blocks", size, ns.blocks)
		}
		c, err := ns.formatCommand(drive.FormatUserData, 1)
		if err == nil && (c.cdw10&^0x3fff != 0 || c.cdw10>>9&0b111 != 1 || c.cdw10&0x0f != uint32(ns.flbas&0x0f)) {
			t.Errorf("CDW10 %#x of FLBAS %#x", c.cdw10, ns.flbas)
		}
		_, _ = ns.formatting()
		_ = ns.formatText()
	})
}

func FuzzList(f *testing.F) {
	f.Add(page(f, pageBytes, map[int]string{0: "01000000 02000000"}), uint32(0))
	f.Add(page(f, pageBytes, map[int]string{0: "01040000"}), uint32(1024))
	f.Fuzz(func(t *testing.T, b []byte, after uint32) {
		ids, err := parseList(b, after)
		if err != nil && ids != nil {
			t.Errorf("%v together with %v", ids, err)
		}
		if !slices.IsSorted(ids) || len(ids) > idsPerList || (len(ids) > 0 && ids[0] <= after) {
			t.Errorf("%v after %d", ids, after)
		}
	})
}

func FuzzSanitizeLog(f *testing.F) {
	f.Add(newFake().log, uint32(2))
	f.Add(page(f, logBytes, map[int]string{0: "ffff 0101 02000000"}), uint32(2))
	f.Fuzz(func(t *testing.T, b []byte, sent uint32) {
		l, err := parseSanitize(b)
		if err != nil && l != (sanitizeLog{}) {
			t.Errorf("%+v together with %v", l, err)
		}
		s := l.report(sent)
		if s.Named && (s.Other || l.command != sent || s.Phase == drive.None) {
			t.Errorf("%+v of %+v", s, l)
		}
		if s.Phase == drive.Succeeded && l.status&0b111 != 1 && l.status&0b111 != 4 {
			t.Errorf("success of SSTAT %#x", l.status)
		}
		if s.Done > 1 || (s.Phase == drive.None && s.Done >= 0) {
			t.Errorf("%+v", s)
		}
	})
}

func FuzzHealthLog(f *testing.F) {
	f.Add(newFake().health)
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := parseHealth(b); err != nil && h != (healthLog{}) {
			t.Errorf("%+v together with %v", h, err)
		}
	})
}

// FuzzAsk lets a drive that can do everything answer with some bytes changed, or refuse some questions.
func FuzzAsk(f *testing.F) {
	sys := fakeTree(f)
	f.Add([]byte{}, byte(0), uint16(0))
	f.Add([]byte{0, 1, 72, 0}, byte(0), uint16(0))                        // SANICAP
	f.Add([]byte{0, 2, 4, 1, 0, 2, 5, 0, 4, 0, 2, 3}, byte(4), uint16(0)) // one namespace, no list, the last sanitize failed
	f.Add([]byte{2, 0, 4, 0, 3, 0, 8, 9}, byte(0), uint16(0))             // lists
	f.Add([]byte{1, 0, 26, 0, 1, 0, 29, 7, 1, 0, 32, 0x90}, byte(32), uint16(0x4002))
	f.Fuzz(func(t *testing.T, changes []byte, refuse byte, answer uint16) {
		seed := newFake()
		list := page(t, pageBytes, map[int]string{0: "01000000 02000000"})
		pages := [6][]byte{seed.ctrl, seed.ns[1], list, slices.Clone(list), seed.log, seed.health}
		for ; len(changes) >= 4; changes = changes[4:] {
			p := pages[changes[0]%6]
			p[(int(changes[1])<<8|int(changes[2]))%len(p)] = changes[3]
		}
		for n := range pages {
			if refuse>>n&1 != 0 {
				pages[n] = nil
			}
		}
		proved(t, sys, random{pages, status(answer)})
	})
}

// FuzzGarbage lets a drive answer anything at all.
func FuzzGarbage(f *testing.F) {
	sys := fakeTree(f)
	seed := newFake()
	list := page(f, pageBytes, map[int]string{0: "01000000 02000000"})
	f.Add(page(f, pageBytes, qemuController), page(f, pageBytes, qemuNamespace), list, list, seed.log, seed.health, uint16(0x4002))
	f.Add(seed.ctrl, seed.ns[1], []byte{}, []byte{}, []byte{0xff}, []byte{1}, uint16(0x0371))
	f.Fuzz(func(t *testing.T, ctrl, ns, active, allocated, log, health []byte, answer uint16) {
		proved(t, sys, random{[6][]byte{ctrl, ns, active, allocated, log, health}, status(answer)})
	})
}

// proved asks a drive, and proves that an action is only possible where the answers say so, and that what it reaches is known.
func proved(t *testing.T, sys string, r random) {
	n := fakeNode(sys)
	a, err := ask(r, n)
	if err != nil {
		t.Fatal(err) // it answers, whatever it says
	}
	said, _ := parseController(padded(r.pages[0]))
	log := padded(r.pages[4])
	for _, ability := range a.Abilities {
		if ability.Why != "" {
			continue
		}
		_, isFormat := formats[ability.Action]
		switch {
		case said.serial != n.Info.Serial && said.serial != "":
			t.Errorf("%s is possible with serial %q", ability.Action, said.serial)
		case isFormat && !said.canFormat():
			t.Errorf("%s is possible with OACS %#x", ability.Action, said.oacs)
		case !isFormat && (!said.sanicap.has(ability.Action) || log[2]&0b111 == sanitizing || log[2]&0b111 > 4):
			t.Errorf("%s is possible with SANICAP %#x and log % x", ability.Action, uint32(said.sanicap), log[:8])
		case (!isFormat || said.formatReachesAll()) && !named(ability.Reaches, said, r.pages[2], r.pages[3]):
			t.Errorf("%s reaches %v of %+v", ability.Action, ability.Reaches, said)
		}
	}
	for _, fact := range a.Facts {
		if strings.ContainsFunc(fact.Value, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q is not escaped", fact.Value)
		}
	}
}

// named tells whether everything that the kernel or the drive's lists show beside namespace 1 is named.
func named(reaches []drive.Reach, said controller, lists ...[]byte) bool {
	got := map[string]bool{}
	for _, r := range reaches {
		got[r.What] = true
	}
	if !got["namespace 2"] || got["namespace 1"] {
		return false
	}
	for n, list := range lists {
		if said.nn == 1 || (n == 1 && !said.managesNamespaces() && !said.severalControllers()) {
			continue
		}
		for b := padded(list); len(b) > 0; b = b[4:] {
			if id := binary.LittleEndian.Uint32(b); id > 1 && !got[fmt.Sprintf("namespace %d", id)] {
				return false
			}
		}
	}
	return true
}

// random answers every question with what it was given: pages, or where one is empty a status.
type random struct {
	pages  [6][]byte // in the order of questions
	answer status
}

var questions = []key{identifyController, identifyNamespace, activeList, allocatedList, readSanitizeLog, readHealthLog}

func (random) NSID() (uint32, error) { return 1, nil }

func (r random) Do(c command) (uint32, error) {
	n := slices.Index(questions, key{c.opcode, byte(c.cdw10)})
	if (n < 0 || len(r.pages[n]) == 0) && r.answer != 0 {
		return 0, r.answer
	}
	if n >= 0 {
		copy(c.data, r.pages[n])
	}
	return uint32(r.answer) << 8, nil
}

func padded(b []byte) []byte { return append(slices.Clone(b), make([]byte, pageBytes)...)[:pageBytes] }
