package nvme

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"wiped/engine/drive"
)

// page lays bytes out: a line is an offset and what stands there, in hex; everything else is zero.
func page(tb testing.TB, length int, lines map[int]string) []byte {
	tb.Helper()
	b := make([]byte, length)
	for at, text := range lines {
		part, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			tb.Fatal(err)
		}
		copy(b[at:], part)
	}
	return b
}

// What qemu 7.2 answered to nvme-cli in the lab: Identify Controller, and Identify Namespace of one with 4096-byte blocks.
var (
	qemuController = map[int]string{
		0:   "36 1b f4 1a 4c 41 42 4e 56 4d 45 31 20 20 20 20 20 20 20 20 20 20 20 20 51 45 4d 55 20 4e 56 4d",
		32:  "65 20 43 74 72 6c 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20",
		64:  "37 2e 32 2e 32 32 20 20 06 00 54 52 00 07 00 00 00 04 01 00 00 00 00 00 00 00 00 00 00 01 00 00",
		96:  "00 80 00 00 00 00 00 00 00 00 00 00 00 00 00 01",
		256: "0a 01 03 03 03 07 00 00 00 00 57 01 75 01 00 00",
		512: "66 44 00 00 00 01 00 00 5d 01 00 00 00 07 00 00",
	}
	qemuNamespace = map[int]string{
		0:   "00 20 00 00 00 00 00 00 00 20 00 00 00 00 00 00 00 20 00 00 00 00 00 00 14 07 04 03 1f 00 00 00",
		32:  "00 01",
		128: "00 00 09 00 08 00 09 00 10 00 09 00 40 00 09 00 00 00 0c 00 08 00 0c 00 10 00 0c 00 40 00 0c 00",
	}
)

func TestControllerOfQemu(t *testing.T) {
	got, err := parseController(page(t, pageBytes, qemuController))
	want := controller{
		vendor: 0x1b36, serial: "LABNVME1", model: "QEMU NVMe Ctrl", firmware: "7.2.22", version: 0x10400, ctratt: 0x8000, oacs: 0x010a, nn: 256,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// TestController proves each field's place with a page in which nothing else is set.
func TestController(t *testing.T) {
	for name, c := range map[string]struct {
		at   int
		text string
		want controller
	}{
		"vendor":      {0, "4d14", controller{vendor: 0x144d}},
		"serial":      {4, "20 53 31 20", controller{serial: "S1"}},
		"serial end":  {23, "58", controller{}}, // behind a zero byte, where the kernel does not look either
		"cut serial":  {4, "41 42 00 43", controller{serial: "AB"}},
		"all ones":    {4, strings.Repeat("ff", 20), controller{}},
		"model":       {24, "1b 4d ff", controller{model: `\x1bM\xff`}},
		"firmware":    {64, "31 2e 30", controller{firmware: "1.0"}},
		"controllers": {76, "02", controller{cmic: 2}},
		"version":     {80, "00 03 01", controller{version: 0x10300}},
		"attributes":  {96, "04", controller{ctratt: 4}},
		"admin":       {256, "0a 01", controller{oacs: 0x010a}},
		"unallocated": {296, "00 00 00 00 01", controller{unallocated: 1 << 32}},
		"huge":        {304, "01", controller{unallocated: 1<<64 - 1}},
		"RPMB":        {312, "01 00 02 00", controller{rpmbs: 0x20001}},
		"sanitize":    {328, "03 00 00 a0", controller{sanicap: 0xa0000003}},
		"namespaces":  {516, "80", controller{nn: 128}},
		"format":      {524, "07", controller{fna: 7}},
	} {
		got, err := parseController(page(t, pageBytes, map[int]string{c.at: c.text}))
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

func TestNamespaceOfQemu(t *testing.T) {
	ns, err := parseNamespace(page(t, pageBytes, qemuNamespace))
	if err != nil {
		t.Fatal(err)
	}
	size, err := ns.bytes()
	if err != nil || size != 32<<20 || ns.formats != 8 || ns.inUse() != 4 || ns.blocks != 0x2000 || ns.shared() || ns.writeProtected() {
		t.Errorf("%d bytes, %v, %+v", size, err, ns)
	}
	c, err := ns.formatCommand(drive.FormatUserData, 2)
	if want := uint32(0x204); err != nil || c.cdw10 != want || c.nsid != 2 || c.opcode != 0x80 || c.timeout != 24*time.Hour {
		t.Errorf("%+v, %v; want CDW10 %#x", c, err, want)
	}
}

// TestKeepsFormat proves that Format NVM is sent with the format, metadata and protection that the namespace has.
func TestKeepsFormat(t *testing.T) {
	extended := map[int]string{0: "00 10", 25: "13", 26: "23", 128 + 4*0x13: "00 00 0c"} // 20 formats; in use: number 13h
	for name, c := range map[string]struct {
		lines  map[int]string
		action drive.Action
		want   uint32
	}{
		"first":                 {map[int]string{0: "00 10", 130: "09"}, drive.FormatUserData, 0x200},
		"crypto":                {map[int]string{0: "00 10", 25: "03", 26: "03", 142: "0c"}, drive.FormatCrypto, 0x403},
		"metadata in the block": {map[int]string{0: "00 10", 25: "01", 26: "11", 132: "08 00 0c"}, drive.FormatUserData, 0x211},
		"protection, last":      {map[int]string{0: "00 10", 25: "01", 26: "01", 29: "01", 132: "08 00 0c"}, drive.FormatUserData, 0x221},
		"protection, first":     {map[int]string{0: "00 10", 25: "01", 26: "11", 29: "0b", 132: "08 00 0c"}, drive.FormatCrypto, 0x571},
		"extended":              {extended, drive.FormatUserData, 0x1203},
		"extended, unique":      {map[int]string{0: "00 10", 25: "0f", 26: "20", 82: "01", 128 + 4*16: "00 00 0c"}, drive.FormatUserData, 0x1200},
		"upper bits unused":     {map[int]string{0: "00 10", 25: "0f", 26: "62", 136: "00 00 0c"}, drive.FormatUserData, 0x202},
	} {
		ns, err := parseNamespace(page(t, pageBytes, c.lines))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ns.formatCommand(c.action, 1)
		if err != nil || got.cdw10 != c.want || got.cdw11 != 0 {
			t.Errorf("%s: %+v, %v; want CDW10 %#x", name, got, err, c.want)
		}
	}
}

// TestImpossibleFormats proves that no Format NVM is made of data that name no format that can be.
func TestImpossibleFormats(t *testing.T) {
	for name, lines := range map[string]map[int]string{
		"beyond the last":       {0: "00 10", 25: "01", 26: "02", 136: "00 00 0c"},
		"not there":             {0: "00 10"},
		"blocks of 256 bytes":   {0: "00 10", 130: "08"},
		"blocks of 4 GiB":       {0: "00 10", 130: "20"},
		"more than can be":      {0: "ff ff ff ff ff ff ff 7f", 130: "0c"},
		"protection that is no": {0: "00 10", 29: "04", 130: "0c"},
	} {
		ns, err := parseNamespace(page(t, pageBytes, lines))
		if err != nil {
			t.Fatal(err)
		}
		if c, err := ns.formatCommand(drive.FormatUserData, 1); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// TestSanitizeCommand proves what is sent for each action, bit for bit.
func TestSanitizeCommand(t *testing.T) {
	const unmodified, rewrites, inhibited = 1 << 30, 2 << 30, 1 << 29
	for _, c := range []struct {
		action drive.Action
		cap    sanicap
		want   uint32
	}{
		{drive.SanitizeBlock, 0, 0x2}, {drive.SanitizeCrypto, 0, 0x4}, {drive.SanitizeOverwrite, 0, 0x13},
		{drive.SanitizeBlock, unmodified, 0x2}, {drive.SanitizeCrypto, unmodified, 0x4}, {drive.SanitizeOverwrite, unmodified, 0x213},
		{drive.SanitizeBlock, rewrites, 0x2}, {drive.SanitizeCrypto, rewrites, 0x4}, {drive.SanitizeOverwrite, rewrites, 0x13},
		{drive.SanitizeOverwrite, unmodified | inhibited, 0x13}, {drive.SanitizeBlock, rewrites | inhibited, 0x2},
	} {
		got := sanitizeCommand(c.action, c.cap)
		if got.opcode != 0x84 || got.nsid != 0 || got.cdw10 != c.want || got.cdw11 != 0 || got.data != nil || got.timeout != 30*time.Second {
			t.Errorf("%s with SANICAP %#x: %+v; want CDW10 %#x", c.action, uint32(c.cap), got, c.want)
		}
	}
}

// TestSanitizeLog proves what a sanitize log is taken to say of a block erase (dword 10 is 2).
func TestSanitizeLog(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want drive.Status
	}{
		"never":               {"ffff 0000 00000000", drive.Status{Phase: drive.None, Done: -1}},
		"all zero":            {"0000 0000 00000000", drive.Status{Phase: drive.None, Done: -1}},
		"succeeded":           {"ffff 0100 02000000", drive.Status{Phase: drive.Succeeded, Done: 1, Named: true}},
		"nothing since":       {"ffff 0101 02000000", drive.Status{Phase: drive.Succeeded, Done: 1, Named: true, Untouched: true}},
		"deallocated":         {"ffff 0400 02000000", drive.Status{Phase: drive.Succeeded, Done: 1, Named: true}},
		"another succeeded":   {"ffff 0101 04000000", drive.Status{Phase: drive.Succeeded, Done: 1, Other: true, Untouched: true}},
		"another way of it":   {"ffff 0101 0a000000", drive.Status{Phase: drive.Succeeded, Done: 1, Other: true, Untouched: true}},
		"names nothing":       {"ffff 0101 00000000", drive.Status{Phase: drive.Succeeded, Done: 1, Untouched: true}},
		"names an exit":       {"ffff 0101 01000000", drive.Status{Phase: drive.Succeeded, Done: 1, Untouched: true}},
		"under way":           {"0040 0200 02000000", drive.Status{Phase: drive.Running, Done: 0.25, Named: true}},
		"under way, passes":   {"0080 0a00 02000000", drive.Status{Phase: drive.Running, Done: 0.5, Named: true}},
		"under way, 2 passes": {"00c0 1200 13000000", drive.Status{Phase: drive.Running, Done: 0.75, Other: true}},
		"failed":              {"ffff 0300 02000000", drive.Status{Phase: drive.Failed, Done: -1, Named: true}},
		"failed after passes": {"ffff fb00 02000000", drive.Status{Phase: drive.Failed, Done: -1, Named: true}},
		"reserved state":      {"0000 0500 02000000", drive.Status{Phase: drive.None, Done: -1}},
	} {
		l, err := parseSanitize(page(t, logBytes, map[int]string{0: c.text}))
		if err != nil {
			t.Fatal(err)
		}
		got := l.report(2)
		if !strings.Contains(got.Text, "SSTAT 0x") || !strings.Contains(got.Text, "SCDW10 0x") {
			t.Errorf("%s: text %q", name, got.Text)
		}
		if got.Text = ""; got != c.want {
			t.Errorf("%s: %+v; want %+v", name, got, c.want)
		}
	}
}

func TestEstimates(t *testing.T) {
	l, err := parseSanitize(page(t, logBytes, map[int]string{8: "00100000 05000000 ffffffff"}))
	if err != nil {
		t.Fatal(err)
	}
	for action, want := range map[drive.Action]time.Duration{
		drive.SanitizeOverwrite: 256 * time.Second, drive.SanitizeBlock: 5 * time.Second, drive.SanitizeCrypto: 0, drive.FormatCrypto: 0,
	} {
		if got := l.takes(action); got != want {
			t.Errorf("%s takes %s; want %s", action, got, want)
		}
	}
}

func TestHealth(t *testing.T) {
	got, err := parseHealth(page(t, logBytes, map[int]string{0: "04 3b01 5a 0a 69", 128: "1027", 144: "03", 160: "00", 168: "01"}))
	want := healthLog{warning: 4, kelvin: 0x13b, spare: 90, least: 10, used: 105, hours: 10000, unsafe: 3, errors: 1<<64 - 1}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// TestLists proves that a namespace list is taken whole or not at all.
func TestLists(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		after uint32
		want  int // namespaces; negative: none is taken
	}{
		"empty":         {"", 0, 0},
		"some":          {"01000000 02000000 07000000", 0, 3},
		"next page":     {"01040000 02040000", 1024, 2},
		"twice":         {"01000000 01000000", 0, -1},
		"descending":    {"02000000 01000000", 0, -1},
		"page again":    {"01000000", 1024, -1},
		"hole":          {"01000000 00000000 02000000", 0, -1},
		"hole in front": {"00000000 02000000", 0, -1},
		"all of them":   {"01000000 ffffffff", 0, -1},
		"reserved":      {"feffffff", 0, -1},
	} {
		ids, err := parseList(page(t, pageBytes, map[int]string{0: c.text}), c.after)
		if (err != nil) != (c.want < 0) || (err == nil && len(ids) != c.want) {
			t.Errorf("%s: %v, %v", name, ids, err)
		}
	}
}

// TestNothing proves that data which are cut short, or were never sent, are told from data.
func TestNothing(t *testing.T) {
	ones := make([]byte, pageBytes)
	for i := range ones {
		ones[i] = 0xff
	}
	for name, b := range map[string][]byte{"none": nil, "short": make([]byte, 19), "zeros": make([]byte, pageBytes), "ones": ones} {
		if c, err := parseController(b); err == nil {
			t.Errorf("controller of %s: %+v", name, c)
		}
		if ns, err := parseNamespace(b); err == nil {
			t.Errorf("namespace of %s: %+v", name, ns)
		}
		if h, err := parseHealth(b); err == nil {
			t.Errorf("health of %s: %+v", name, h)
		}
		if l, err := parseSanitize(b); (err == nil) != (name == "zeros") || l != (sanitizeLog{}) {
			t.Errorf("sanitize log of %s: %+v, %v", name, l, err)
		}
	}
}
