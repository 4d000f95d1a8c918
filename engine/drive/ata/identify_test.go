package ata

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"
	"unicode"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// with is the identity of a drive with some words put in place of its own.
func with(t testing.TB, words map[int]uint16) identify {
	t.Helper()
	f := newFake(t)
	f.words = words
	id, err := parseIdentify(f.identify())
	if err != nil {
		t.Fatalf("parseIdentify = %v; want no error", err)
	}
	return id
}

func TestIdentity(t *testing.T) {
	id := with(t, nil)
	want := drive.Identity{Model: "FAKE MODEL WITH A NAME LONGER THAN SCSI'", Firmware: "FW 1.2", Serial: "FAKE-SERIAL-1", WWN: "0x5000c50012345678"}
	if got := id.identity(); got != want {
		t.Errorf("identity %+v; want %+v", got, want)
	}
	for _, c := range []struct {
		what  string
		words map[int]uint16
		want  drive.Identity
	}{
		{"no name announced", map[int]uint16{87: 0x4000}, drive.Identity{WWN: ""}},
		{"word 87 not in use, word 84 says it", map[int]uint16{87: 0, 84: 0x4100}, drive.Identity{WWN: want.WWN}},
		{"a name of zeros", map[int]uint16{108: 0, 109: 0, 110: 0, 111: 0}, drive.Identity{WWN: ""}},
		{"a name of ones", map[int]uint16{108: 0xffff, 109: 0xffff, 110: 0xffff, 111: 0xffff}, drive.Identity{WWN: ""}},
	} {
		id := with(t, c.words)
		if got := id.identity().WWN; got != c.want.WWN {
			t.Errorf("%s: WWN %q; want %q", c.what, got, c.want.WWN)
		}
	}
}

// TestHostileText proves that what a drive calls itself cannot be mistaken for a serial that a station made, and cannot
// steer a terminal.
func TestHostileText(t *testing.T) {
	fill := func(from, to int, w uint16) map[int]uint16 {
		words := map[int]uint16{}
		for n := from; n <= to; n++ {
			words[n] = w
		}
		return words
	}
	for _, c := range []struct {
		what, want string
		words      map[int]uint16
	}{
		{"all ones", "", fill(10, 19, 0xffff)},
		{"zeros", "", fill(10, 19, 0)},
		{"escape sequences", strings.TrimSpace(strings.Repeat(`\x1b[`, 10)), fill(10, 19, 0x1b5b)},
		{"bytes that are no text", strings.Repeat(`\x81\xff`, 10), fill(10, 19, 0x81ff)},
		{"a station's mark", "", fill(10, 19, 0x7e7e)},
	} {
		id := with(t, c.words)
		if got := id.identity().Serial; got != c.want {
			t.Errorf("%s: serial %q; want %q", c.what, got, c.want)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		what              string
		words             map[int]uint16
		sectors           uint64
		source            string
		logical, physical uint64
	}{
		{"as it is", nil, 2000, "IDENTIFY words 100..103", 512, 512},
		{"28 bits", map[int]uint16{83: 0x4000}, 2000, "IDENTIFY words 60..61", 512, 512},
		{"extended number of sectors", map[int]uint16{69: 8, 230: 5, 231: 1}, 0x10005, "IDENTIFY words 230..233", 512, 512},
		{"extended number, and none given", map[int]uint16{69: 8}, 2000, "IDENTIFY words 100..103", 512, 512},
		{"more sectors than addresses", map[int]uint16{103: 0x8000}, 0, "", 512, 512},
		{"4096 bytes on the medium", map[int]uint16{106: 0x6003}, 2000, "IDENTIFY words 100..103", 512, 4096},
		{"4096 bytes", map[int]uint16{106: 0x5000, 117: 2048}, 2000, "IDENTIFY words 100..103", 4096, 4096},
		{"520 bytes", map[int]uint16{106: 0x5000, 117: 260}, 2000, "IDENTIFY words 100..103", 520, 520},
		{"word 106 not in use", map[int]uint16{106: 0x3003, 117: 2048}, 2000, "IDENTIFY words 100..103", 512, 512},
		{"impossible sectors", map[int]uint16{106: 0x5000, 118: 1}, 2000, "IDENTIFY words 100..103", 0, 0},
	} {
		id := with(t, c.words)
		sectors, source := id.sectors()
		logical, physical := id.sectorSize()
		if sectors != c.sectors || source != c.source || logical != c.logical || physical != c.physical {
			t.Errorf("%s: %d sectors by %q of %d, %d bytes; want %d by %q of %d, %d", c.what, sectors, source, logical, physical, c.sectors, c.source, c.logical, c.physical)
		}
	}
}

func TestEraseTime(t *testing.T) {
	for _, c := range []struct {
		word     uint16
		takes    time.Duration
		deadline time.Duration
	}{
		{0, 0, 12 * time.Hour},
		{60, 2 * time.Hour, 12 * time.Hour},
		{255, 510 * time.Minute, 17 * time.Hour},
		{0x8000, 0, 12 * time.Hour},
		{0x8000 | 300, 10 * time.Hour, 20 * time.Hour},
		{0xffff, 65534 * time.Minute, 49 * 24 * time.Hour}, // what twice that would be, the kernel does not take
	} {
		id := with(t, map[int]uint16{89: c.word, 90: c.word})
		if n, e := id.eraseTime(false), id.eraseTime(true); n != c.takes || e != c.takes || eraseDeadline(n) != c.deadline {
			t.Errorf("word %04xh: %v, enhanced %v, waited for %v; want %v, waited for %v", c.word, n, e, eraseDeadline(n), c.takes, c.deadline)
		}
	}
}

// TestUntrusted proves that a damaged identity is asked for again, and not taken.
func TestUntrusted(t *testing.T) {
	good := newFake(t).identify()
	damaged := append([]byte(nil), good...)
	damaged[54] ^= 1
	packet := make([]byte, 512)
	binary.LittleEndian.PutUint16(packet, 0x8580)
	for _, c := range []struct {
		what, want string
		b          []byte
	}{
		{"a wrong checksum", "checksum", damaged},
		{"zeros", "empty", make([]byte, 512)},
		{"ones", "empty", []byte(strings.Repeat("\xff", 512))},
		{"a packet device", "not an ATA disk", packet},
		{"half of it", "256 bytes", good[:256]},
		{"nothing", "0 bytes", nil},
	} {
		if _, err := parseIdentify(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", c.what, err, c.want)
		}
	}
	f := newFake(t)
	f.noChecksum = true
	if _, err := parseIdentify(f.identify()); err != nil {
		t.Errorf("no checksum at all: %v; want no error, for it is optional", err)
	}
	flash := with(t, map[int]uint16{0: 0x848a})
	if flash.identity().Serial == "" {
		t.Error("CompactFlash, whose word 0 looks like a packet device's: no serial")
	}
}

func TestIdentifyTwice(t *testing.T) {
	for _, c := range []struct {
		what  string
		times int
		r     sg.Result
		err   error
		ok    bool
	}{
		{"one lost answer", 1, sg.Result{}, errHost, true},
		{"two lost answers", 2, sg.Result{}, errHost, false},
		{"one answer without data", 1, sg.Result{}, nil, true},
		{"one error", 1, sensed(unhex(t, invalidOpcode)), nil, true},
		{"a bridge that does not know the command", 2, sensed(unhex(t, invalidOpcode)), nil, false},
	} {
		f := newFake(t)
		f.fault = breaks(0xec, c.times, c.r, c.err)
		if _, err := (port{f}).identify(); (err == nil) != c.ok || len(f.sent) != 2 {
			t.Errorf("%s: %v after %d commands; want success %v after 2", c.what, err, len(f.sent), c.ok)
		}
	}
}

func TestFacts(t *testing.T) {
	for _, c := range []struct {
		name, want, source string
		words              map[int]uint16
	}{
		{"ATA standard", "ACS-4", "IDENTIFY word 80", nil},
		{"rotation", "7200 rpm", "IDENTIFY word 217", nil},
		{"rotation", "none, solid state", "IDENTIFY word 217", map[int]uint16{217: 1}},
		{"rotation", "", "", map[int]uint16{217: 0xffff}},
		{"rotation", "", "", map[int]uint16{217: 0x0400}},
		{"SATA speed", "6.0 Gb/s, now 3.0 Gb/s", "IDENTIFY words 76..77", nil},
		{"SATA speed", "1.5 Gb/s", "IDENTIFY words 76..77", map[int]uint16{76: 2, 77: 0x000e}},
		{"SATA speed", "", "", map[int]uint16{76: 0xffff, 77: 0xffff}},
		{"sectors", "2000", "IDENTIFY words 100..103", nil},
		{"sector size", "512 bytes, 4096 on the medium", "IDENTIFY words 106, 117..118", map[int]uint16{106: 0x6003}},
		{"zones", "", "", nil},
		{"zones", "host-aware", "IDENTIFY word 69", map[int]uint16{69: 1}},
		{"TRIM", "yes", "IDENTIFY words 69, 169", nil},
		{"TRIM", "trimmed sectors read as zeros", "IDENTIFY words 69, 169", map[int]uint16{69: 1<<14 | 1<<5}},
		{"TRIM", "", "", map[int]uint16{169: 0}},
		{"encrypts all user data", "", "", nil},
		{"encrypts all user data", "yes", "IDENTIFY word 69", map[int]uint16{69: 1 << 4}},
		{"trusted computing", "yes", "IDENTIFY word 48", nil},
		{"trusted computing", "", "", map[int]uint16{48: 1}},
		{"security", "no password set", "IDENTIFY word 128", nil},
		{"security", "password set, locked, frozen, password attempts used up, level maximum", "IDENTIFY word 128", map[int]uint16{128: 0x013f}},
		{"security", "", "", map[int]uint16{128: 0}},
		{"sanitize", "crypto scramble, block erase, overwrite", "IDENTIFY word 59", nil},
		{"sanitize", "", "", map[int]uint16{59: 0x0110}},
	} {
		id := with(t, c.words)
		var got drive.Fact
		for _, f := range id.facts() {
			if f.Name == c.name {
				got = f
			}
		}
		if got.Value != c.want || got.Source != c.source {
			t.Errorf("%s with %v: %q by %q; want %q by %q", c.name, c.words, got.Value, got.Source, c.want, c.source)
		}
	}
}

// plain tells whether text has nothing in it that could steer a terminal.
func plain(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || !unicode.IsPrint(r) }) < 0
}

// FuzzIdentify proves that no block makes a panic, a size that overflows, or text that is not clean.
func FuzzIdentify(f *testing.F) {
	d := newFake(f)
	d.hpa, d.dco, d.ama = true, true, true
	f.Add(d.identify())
	d.noChecksum = true
	f.Add(d.identify())
	f.Add(make([]byte, 512))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := parseIdentify(b)
		if err != nil {
			return
		}
		i := id.identity()
		texts := []string{i.Model, i.Firmware, i.Serial, i.WWN}
		for _, fact := range id.facts() {
			texts = append(texts, fact.Name, fact.Value, fact.Source)
		}
		for _, text := range texts {
			if !plain(text) {
				t.Errorf("text %q", text)
			}
		}
		sectors, _ := id.sectors()
		logical, _ := id.sectorSize()
		if n := int64(sectors * logical); n < 0 || logical > 0 && uint64(n)/logical != sectors {
			t.Errorf("%d sectors of %d bytes do not fit", sectors, logical)
		}
		for _, enhanced := range []bool{false, true} {
			if d := eraseDeadline(id.eraseTime(enhanced)); d < leastErase || d > mostErase {
				t.Errorf("a deadline of %v", d)
			}
		}
		if st := id.securityStatus(); st.Named || st.Phase == drive.Running {
			t.Errorf("status %+v", st)
		}
	})
}
