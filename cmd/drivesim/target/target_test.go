package target

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
	"time"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSense holds both formats to bytes that sg_decode_sense reads as it should (testdata/clients.txt).
func TestSense(t *testing.T) {
	half, block := uint16(0x8000), uint64(0x1234)
	tests := map[string]struct {
		sense             Sense
		fixed, descriptor string
	}{
		"nothing": {NoSense, "70000000" + "0000000a" + "00000000" + "0000000000" + "00", "7200000000000000"},
		"progress": {Sense{Key: NotReady, ASC: 4, ASCQ: 0x1b, Progress: &half},
			"70000200" + "0000000a" + "00000000" + "041b008080" + "00", "7202041b00000008" + "0206000080800000"},
		"a block": {Sense{Key: MediumError, ASC: 0x11, Block: &block},
			"f0000300" + "0012340a" + "00000000" + "1100000000" + "00", "720311000000000c" + "000a80000000000000001234"},
	}
	for name, test := range tests {
		if got := hex.EncodeToString(test.sense.Fixed()); got != test.fixed {
			t.Errorf("%s, fixed: %s, want %s", name, got, test.fixed)
		}
		if got := hex.EncodeToString(test.sense.Descriptor()); got != test.descriptor {
			t.Errorf("%s, descriptors: %s, want %s", name, got, test.descriptor)
		}
	}
}

func TestParseAccess(t *testing.T) {
	tests := map[string]Access{
		"08123456" + "0300":                               {LBA: 0x123456 & 0x1fffff, Blocks: 3},
		"0a000001" + "0000":                               {Write: true, LBA: 1, Blocks: 256},
		"2800" + "00000010" + "00" + "0008" + "00":        {LBA: 16, Blocks: 8},
		"2a00" + "ffffffff" + "00" + "0001" + "00":        {Write: true, LBA: 0xffffffff, Blocks: 1},
		"a800" + "00000002" + "00010000" + "0000":         {LBA: 2, Blocks: 0x10000},
		"8a00" + "0000000100000000" + "00000002" + "0000": {Write: true, LBA: 1 << 32, Blocks: 2},
	}
	for cdb, want := range tests {
		if got, ok := ParseAccess(Normal(unhex(t, cdb))); !ok || got != want {
			t.Errorf("%s: %+v, want %+v", cdb, got, want)
		}
	}
	for _, cdb := range []string{"2820000000000000010000", "00", "4800", ""} { // protection information, and other commands
		if got, ok := ParseAccess(Normal(unhex(t, cdb))); ok {
			t.Errorf("%s was taken as %+v", cdb, got)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, test := range []struct {
		a  Access
		ok bool
	}{{Access{LBA: 99, Blocks: 1}, true}, {Access{LBA: 99, Blocks: 2}, false}, {Access{LBA: 100}, true}, {Access{LBA: 101}, false},
		{Access{LBA: 1<<64 - 1, Blocks: 2}, false}} {
		if test.a.Within(100) != test.ok {
			t.Errorf("%+v within 100: %v", test.a, !test.ok)
		}
	}
}

// TestOpcodes: an option that does not fit the command is refused, a command that is not there is said not to be.
func TestOpcodes(t *testing.T) {
	list := []Supported{Op(0x28), Act(0x48, 2), Act(0x48, 0x1f)}
	ask := func(options, opcode, action byte) string {
		data, ok := Opcodes([]byte{0xa3, 0x0c, options, opcode, 0, action, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, list)
		if !ok {
			return "refused"
		}
		return hex.EncodeToString(data)
	}
	tests := []struct {
		options, opcode, action byte
		want                    string
	}{
		{0, 0, 0, "00000018" + "280000000000000a" + "480000020001000a" + "4800001f0001000a"},
		{1, 0x28, 0, "0003000a" + "28ffffffffffffffff00"}, {1, 0x48, 2, "refused"}, {2, 0x28, 0, "refused"},
		{2, 0x48, 2, "0003000a" + "48e2ffffffffffffff00"}, {2, 0x48, 1, "00010000"}, {3, 0x48, 3, "00010000"},
		{3, 0x28, 0, "0003000a" + "28ffffffffffffffff00"},
		{3, 0x99, 0, "00010000"}, {7, 0, 0, "refused"},
		{0x80 | 1, 0x28, 0, "0083000a" + "28ffffffffffffffff00" + "000a00000000000000000000"},
	}
	for _, test := range tests {
		if got := ask(test.options, test.opcode, test.action); got != test.want {
			t.Errorf("option %x, %02x/%02x: %s, want %s", test.options, test.opcode, test.action, got, test.want)
		}
	}
}

func TestInquiry(t *testing.T) {
	id := Identity{Vendor: []byte("V"), Product: []byte("P"), Revision: []byte("R"), Serial: []byte("S1"), NAA: 0x5000c50012345678}
	pages := map[byte][]byte{0x83: id.Designators([]byte("P S1")), 0x80: id.Serial}
	ask := func(evpd, page, room byte, cut bool) ([]byte, bool) {
		return id.Inquiry([]byte{0x12, evpd, page, 0, room, 0}, pages, cut)
	}
	if b, ok := ask(0, 0, 255, false); !ok || len(b) != 96 || string(b[8:36]) != "V       P               R   " {
		t.Errorf("standard data %q", b)
	}
	if b, _ := ask(0, 0, 36, false); len(b) != 36 {
		t.Errorf("%d bytes where 36 have room", len(b))
	}
	if b, _ := ask(1, 0, 255, false); !bytes.Equal(b, []byte{0, 0, 0, 3, 0, 0x80, 0x83}) {
		t.Errorf("list of pages %x", b)
	}
	if b, _ := ask(1, 0x83, 255, false); hex.EncodeToString(b) != "0083001c"+"01030008"+"5000c50012345678"+"0201000c"+"5620202020202020"+"50205331" {
		t.Errorf("designators %x", b)
	}
	if b, _ := ask(1, 0x83, 255, true); len(b) != 16 || b[3] != 0x1c {
		t.Errorf("a page that is cut: %x", b)
	}
	for _, bad := range [][2]byte{{0, 0x80}, {1, 0x99}} {
		if b, ok := ask(bad[0], bad[1], 255, false); ok {
			t.Errorf("page %x: %x", bad, b)
		}
	}
}

func TestMode(t *testing.T) {
	m := Mode{Blocks: 1 << 33, Size: 520, ReadOnly: true, Pages: map[byte][]byte{0x0a: {4, 0}, 0x01: {9}}, Change: map[byte][]byte{0x0a: {4}}}
	ask := func(s string) string {
		b, ok := m.Sense(Normal(unhex(t, s)))
		if !ok {
			return "refused"
		}
		return hex.EncodeToString(b)
	}
	for cdb, want := range map[string]string{
		"1a003f00ff": "12008008" + "ffffffff00000208" + "010109" + "0a020400",
		"1a080a00ff": "07008000" + "0a020400",
		"1a084a00ff": "07008000" + "0a020400", // changeable: D_SENSE only
		"1a080a0004": "07008000",
		"1a081900ff": "refused", "1a080a01ff": "refused",
		"5a180a0000000000ff": "000a008000000000" + "0a020400",
		"5a100a0000000000ff": "001a008001000010" + "0000000200000000" + "0000000000000208" + "0a020400",
	} {
		if got := ask(cdb); got != want {
			t.Errorf("%s: %s, want %s", cdb, got, want)
		}
	}
}

func TestParseSelection(t *testing.T) {
	type selection struct {
		size   int
		blocks uint64
		pages  []byte
	}
	for name, test := range map[string]struct {
		cdb, list string
		want      selection
		ok        bool
	}{
		"short header":     {"151000000c", "00000008" + "0000000000000200", selection{512, 0, nil}, true},
		"page":             {"1510000008", "00000000" + "0a020400", selection{0, 0, []byte{0x0a}}, true},
		"long descriptor":  {"551000000000000018", "0000000001000010" + "0000000000000005" + "0000000000001000", selection{4096, 5, nil}, true},
		"nothing":          {"1510000000", "", selection{}, true},
		"cut header":       {"1510000003", "000000", selection{}, false},
		"less than said":   {"15100000ff", "00000008" + "0000000000000200", selection{}, false},
		"cut descriptor":   {"1510000006", "00000008" + "0000", selection{}, false},
		"odd descriptor":   {"1510000008", "00000004" + "00000000", selection{}, false},
		"page longer than": {"1510000008", "00000000" + "0a080400", selection{}, false},
		"subpage":          {"1510000008", "00000000" + "4a020400", selection{}, false},
	} {
		got, ok := ParseSelection(Normal(unhex(t, test.cdb)), unhex(t, test.list))
		if ok != test.ok {
			t.Errorf("%s: taken %v", name, ok)
		}
		if !ok {
			continue
		}
		var pages []byte
		for code := range got.Pages {
			pages = append(pages, code)
		}
		if got.Size != test.want.size || got.Blocks != test.want.blocks || !slices.Equal(pages, test.want.pages) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// clocked is a drive that answers every command with what came with it.
type clocked struct{ Device }

func (clocked) Do(c Command) Outcome { return OK(c.Out) }

// TestSlow: commands wait for those before them; what moves no blocks waits for nothing.
func TestSlow(t *testing.T) {
	now := time.Unix(1e9, 0)
	d := NewSlow(clocked{}, 1000, func() time.Time { return now })
	write := Command{CDB: []byte{0x2a}, Out: make([]byte, 500)}
	for i, want := range []time.Duration{500 * time.Millisecond, time.Second} {
		o := d.Do(write)
		if o.Then == nil || o.Wait != want {
			t.Fatalf("write %d waits %s, want %s", i, o.Wait, want)
		}
		if o = o.Then(); o.Then != nil || len(o.Data) != 500 {
			t.Errorf("write %d: %+v", i, o)
		}
	}
	if o := d.Do(Command{CDB: []byte{0x03}}); o.Then != nil {
		t.Error("REQUEST SENSE waits")
	}
	now = now.Add(time.Minute)
	if o := d.Do(write); o.Wait != 500*time.Millisecond {
		t.Errorf("after a pause it waits %s", o.Wait)
	}
	now = now.Add(time.Minute)
	d.SetRate(100)
	if o := d.Do(write); o.Wait != 5*time.Second {
		t.Errorf("ten times slower it waits %s", o.Wait)
	}
	d.SetRate(0)
	if o := d.Do(write); o.Then != nil {
		t.Errorf("as fast as it goes it waits %s", o.Wait)
	}
}

func TestCapacity(t *testing.T) {
	if got := hex.EncodeToString(Capacity10(1<<33, 512)); got != "ffffffff00000200" {
		t.Errorf("a drive that is too large: %s", got)
	}
	if got := hex.EncodeToString(Capacity16(100, 512, Exponent(512, 4096))[:14]); got != "00000000000000630000020000"+"03" {
		t.Errorf("512 on 4096: %s", got)
	}
}

// FuzzCommands: whatever bytes arrive, the parsers neither panic nor answer more than there is room for.
func FuzzCommands(f *testing.F) {
	f.Add([]byte{0x12, 1, 0x83, 0, 255, 0}, []byte{})
	f.Add([]byte{0xa3, 0x0c, 0x83, 0x48, 0, 2, 0, 0, 1, 0, 0, 0}, []byte{})
	f.Add([]byte{0x55, 0x10, 0, 0, 0, 0, 0, 0, 24, 0}, make([]byte, 24))
	f.Add([]byte{0x5a, 0x10, 0x3f, 0, 0, 0, 0, 1, 0, 0}, []byte{})
	f.Fuzz(func(t *testing.T, cdb, list []byte) {
		cdb = Normal(cdb)
		HasOut(cdb)
		if a, ok := ParseAccess(cdb); ok && a.Within(1000) && a.LBA+a.Blocks > 1000 {
			t.Errorf("%+v is not within 1000", a)
		}
		m := Mode{Blocks: 100, Size: 512, Pages: map[byte][]byte{1: {1}, 0x0a: {4}}}
		m.Sense(cdb)
		ParseSelection(cdb, list)
		Opcodes(cdb, []Supported{Op(0x28), Act(0x48, 2)})
		id := Identity{Serial: list[:min(len(list), 200)]}
		if b, ok := id.Inquiry(cdb, map[byte][]byte{0x80: id.Serial, 0x83: id.Designators(nil)}, cdb[5] != 0); ok && len(b) > int(cdb[3])<<8|int(cdb[4]) {
			t.Errorf("%d bytes of INQUIRY", len(b))
		}
	})
}
