package nvmetcp

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

func TestFormat(t *testing.T) {
	for _, test := range []struct {
		line       string
		nsid, word uint32
		want       status
		kept       [2]bool // the data of namespaces 1 and 2
		sector     int     // of namespace 1 afterwards
	}{
		{"", 1, eraseUser << 9, success, [2]bool{false, true}, 512},
		{"", 1, eraseCrypto << 9, success, [2]bool{false, true}, 512},
		{"", 1, eraseNone<<9 | 1, success, [2]bool{false, true}, 4096},
		{"", allNamespaces, eraseUser << 9, success, [2]bool{false, false}, 512},
		{"fna=8", allNamespaces, eraseUser << 9, invalidField, [2]bool{true, true}, 512},
		{"fna=1", 1, eraseNone << 9, success, [2]bool{false, false}, 512},
		{"fna=1", 1, eraseUser << 9, success, [2]bool{false, true}, 512},
		{"fna=2", 1, eraseUser << 9, success, [2]bool{false, false}, 512},
		{"fna=0", 1, eraseCrypto << 9, invalidField, [2]bool{true, true}, 512},
		{"format=user", 1, eraseCrypto << 9, invalidField, [2]bool{true, true}, 512},
		{"format=none", 1, eraseUser << 9, invalidOpcode, [2]bool{true, true}, 512},
		{"oacs=0", 1, eraseUser << 9, invalidOpcode, [2]bool{true, true}, 512},
		{"", 1, 3 << 9, invalidField, [2]bool{true, true}, 512},
		{"", 1, eraseUser<<9 | 2, invalidFormat, [2]bool{true, true}, 512},
		{"", 1, eraseUser<<9 | 1<<5, invalidFormat, [2]bool{true, true}, 512},
		{"", 7, eraseUser << 9, invalidNamespace, [2]bool{true, true}, 512},
		{"", 0, eraseUser << 9, invalidNamespace, [2]bool{true, true}, 512},
		{"format-lie", 1, eraseUser << 9, success, [2]bool{true, true}, 512},
		{"format-lie", 1, eraseCrypto << 9, success, [2]bool{true, true}, 512},
		{"lie", 1, eraseUser << 9, success, [2]bool{false, true}, 512},
		{"refuse", 1, eraseUser << 9, invalidField, [2]bool{true, true}, 512},
		{"read-only=1", 1, eraseUser << 9, writeProtected, [2]bool{true, true}, 512},
	} {
		b := newBench(t, "size=1M ns=2 fill=OLD "+test.line)
		r := b.do(b.admin, command(opFormat, test.nsid, test.word), nil)
		if r.pending {
			r = b.answered[b.cid]
		}
		if r.status != test.want {
			t.Errorf("%q, NSID %d, CDW10 %#x: %04Xh, want %04Xh", test.line, test.nsid, test.word, r.status, test.want)
		}
		for i, want := range test.kept {
			if first, _ := kept(b, uint32(i+1)); first != want {
				t.Errorf("%q, NSID %d, CDW10 %#x: namespace %d kept its data: %v", test.line, test.nsid, test.word, i+1, first)
			}
		}
		if got := 1 << b.s.namespace(1).shift(); got != test.sector {
			t.Errorf("%q, CDW10 %#x: sectors of %d bytes, want %d", test.line, test.word, got, test.sector)
		}
	}
}

func TestFormatTakesTime(t *testing.T) {
	b := newBench(t, "size=1M ns=2 fill=OLD took=1h format-took=10s")
	if r := b.do(b.admin, command(opFormat, 1, eraseUser<<9), nil); !r.pending {
		t.Fatalf("the Format was answered at once: %+v", r)
	}
	cid := b.cid
	b.clock.advance(4 * time.Second)
	if _, ok := b.answered[cid]; ok {
		t.Fatal("the Format was answered too early")
	}
	b.want(formatInProgress, b.io, command(opRead, 1), nil)
	b.want(formatInProgress, b.admin, command(opFormat, 1, 0), nil)
	b.want(formatInProgress, b.admin, command(opSanitize, 0, 2), nil)
	b.read(2, 0, 1)
	if got := b.must(b.admin, command(opIdentify, 1), nil).data[32]; got != 0x80|60 {
		t.Errorf("FPI is %#x, want 60 %% to go", got)
	}
	b.clock.advance(6 * time.Second)
	if r, ok := b.answered[cid]; !ok || r.status != success {
		t.Errorf("the answer is %+v, %v", r, ok)
	}
	if first, last := kept(b, 1); first || last {
		t.Error("the data were kept")
	}
}

func TestFormatIsLostWithThePower(t *testing.T) {
	b := newBench(t, "size=1M fill=OLD took=10s power-loss=50")
	b.do(b.admin, command(opFormat, 1, eraseUser<<9|1), nil)
	cid := b.cid
	b.clock.advance(time.Minute)
	if r, ok := b.answered[cid]; ok {
		t.Errorf("a drive without power answers %+v", r)
	}
	b.connect()
	if first, last := kept(b, 1); first || !last {
		t.Errorf("kept the first sector: %v, the last: %v; want the first half gone", first, last)
	}
	if got := b.s.namespace(1).shift(); got != 9 {
		t.Errorf("the LBA format changed to 2^%d bytes", got)
	}
}

func TestIdentifyController(t *testing.T) {
	for _, test := range []struct{ line, serial, model string }{
		{`serial=N1 model="A MODEL"`, "N1                  ", "A MODEL" + strings.Repeat(" ", 33)},
		{"serial= model=", strings.Repeat(" ", 20), strings.Repeat(" ", 40)},
		{"serial=hex:001b5b324aff", "\x00\x1b[2J\xff" + strings.Repeat(" ", 14), "DRIVESIM NVME" + strings.Repeat(" ", 27)},
		{"serial=hex:" + strings.Repeat("ff", 20), strings.Repeat("\xff", 20), "DRIVESIM NVME" + strings.Repeat(" ", 27)},
		{"serial=123456789012345678901234", "12345678901234567890", "DRIVESIM NVME" + strings.Repeat(" ", 27)},
	} {
		b := newBench(t, test.line+" sanicap=80000005 fna=5 oacs=A")
		page := b.must(b.admin, command(opIdentify, 0, 1), nil).data
		if len(page) != 4096 || string(page[4:24]) != test.serial || string(page[24:64]) != test.model {
			t.Errorf("%s: serial %q, model %q", test.line, page[4:24], page[24:64])
		}
		if le.Uint32(page[328:]) != 0x80000005 || page[524] != 5 || le.Uint16(page[256:]) != 0xA {
			t.Errorf("%s: SANICAP % X, FNA %X, OACS % X", test.line, page[328:332], page[524], page[256:258])
		}
		if got := text(page[768:1024]); got != b.s.NQN() {
			t.Errorf("SUBNQN %q, want %q", got, b.s.NQN())
		}
	}
}

func TestIdentifyNamespaces(t *testing.T) {
	b := newBench(t, "nsid=1,5,9 size=1M,2M sector=512,4096 detached=9 read-only=5 eui64=0011223344556677 uuid=auto")
	numbers := func(cns, after uint32) []uint32 {
		var all []uint32
		for page := b.must(b.admin, command(opIdentify, after, cns), nil).data; le.Uint32(page) != 0; page = page[4:] {
			all = append(all, le.Uint32(page))
		}
		return all
	}
	for _, test := range []struct {
		cns, after uint32
		want       []uint32
	}{{2, 0, []uint32{1, 5}}, {2, 1, []uint32{5}}, {2, 5, nil}, {0x10, 0, []uint32{1, 5, 9}}, {0x10, 5, []uint32{9}}} {
		if got := numbers(test.cns, test.after); !equal(got, test.want) {
			t.Errorf("CNS %02Xh after %d: %v, want %v", test.cns, test.after, got, test.want)
		}
	}
	page := b.must(b.admin, command(opIdentify, 5), nil).data
	if blocks, format, protected := le.Uint64(page), page[26], page[99]; blocks != 512 || format != 1 || protected != 1 {
		t.Errorf("namespace 5: %d blocks, FLBAS %d, NSATTR %d", blocks, format, protected)
	}
	if got := hex.EncodeToString(page[120:128]); got != "001122334455667b" {
		t.Errorf("EUI64 of namespace 5: %s", got)
	}
	list := b.must(b.admin, command(opIdentify, 5, 3), nil).data
	if want := append([]byte{1, 8, 0, 0}, page[120:128]...); !bytes.HasPrefix(list, want) {
		t.Errorf("descriptors begin % X, want % X", list[:12], want)
	}
	if want := append([]byte{2, 16, 0, 0}, page[104:120]...); !bytes.HasPrefix(list[12:], want) || list[32] != 3 {
		t.Errorf("descriptors go on % X, want % X and a UUID", list[12:36], want)
	}
	if page := b.must(b.admin, command(opIdentify, 9), nil).data; !bytes.Equal(page, make([]byte, 4096)) {
		t.Error("a detached namespace is not all zeros")
	}
	if page := b.must(b.admin, command(opIdentify, 9, 0x11), nil).data; le.Uint64(page) != 512 {
		t.Error("an allocated namespace has no size")
	}
	for _, c := range []sqe{command(opIdentify, 0), command(opIdentify, 10), command(opIdentify, 9, 3), command(opIdentify, allNamespaces, 2)} {
		b.want(invalidNamespace, b.admin, c, nil)
	}
	b.want(invalidField, b.admin, command(opIdentify, 0, 0x7F), nil)
}

func equal(a, b []uint32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestNamespaceListRefused(t *testing.T) {
	b := newBench(t, "nons-list")
	b.want(invalidField, b.admin, command(opIdentify, 0, 2), nil)
	b.want(invalidField, b.admin, command(opIdentify, 0, 0x10), nil)
	b.must(b.admin, command(opIdentify, 1, 0), nil)
}

// TestTwins: drives that share a serial have identifiers of their own, else the kernel would refuse the second.
func TestTwins(t *testing.T) {
	a, b := newBench(t, "serial=X ns=2"), newBench(t, "serial=X ns=2")
	seen := map[string]bool{a.s.NQN(): true, b.s.NQN(): true}
	for _, n := range append(a.s.namespaces, b.s.namespaces...) {
		seen[string(n.nguid)] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d different names, want 6", len(seen))
	}
}

func TestReadWrite(t *testing.T) {
	b := newBench(t, "size=1M ns=2 sector=512,4096 bad=1:100-101 bad-read=2:7 bad-write=2:9 read-only=3 nsid=1,2,3")
	data := bytes.Repeat([]byte("abcdefgh"), 1024)
	b.write(1, 3, data)
	b.write(2, 3, data)
	for _, nsid := range []uint32{1, 2} {
		if got := b.read(nsid, 3, uint32(len(data)>>b.s.namespace(nsid).shift())); !bytes.Equal(got, data) {
			t.Errorf("namespace %d: read something else than was written", nsid)
		}
	}
	b.must(b.io, command(opWriteZeroes, 1, 4, 0, 1), nil)
	if got := b.read(1, 3, 4); !bytes.Equal(got[512:1536], make([]byte, 1024)) || !bytes.Equal(got[:512], data[:512]) || got[1536] == 0 {
		t.Error("Write Zeroes of blocks 4 and 5 went elsewhere")
	}
	discard := make([]byte, 32)
	le.PutUint32(discard[4:], 1)
	le.PutUint64(discard[8:], 3)
	le.PutUint32(discard[20:], 1)
	le.PutUint64(discard[24:], 8)
	b.must(b.io, command(opDSM, 1, 1, 1<<2), discard)
	if got := b.read(1, 3, 1); !bytes.Equal(got, make([]byte, 512)) {
		t.Error("a deallocated block does not read as zeros")
	}
	for _, test := range []struct {
		want status
		c    sqe
		data []byte
	}{
		{unrecoveredRead, command(opRead, 1, 99, 0, 1), nil},
		{writeFault, command(opWrite, 1, 101), make([]byte, 512)},
		{success, command(opRead, 1, 102), nil},
		{unrecoveredRead, command(opRead, 2, 7), nil},
		{success, command(opWrite, 2, 7), make([]byte, 4096)},
		{writeFault, command(opWriteZeroes, 2, 9), nil},
		{success, command(opRead, 2, 9), nil},
		{lbaOutOfRange, command(opRead, 1, 2048), nil},
		{lbaOutOfRange, command(opRead, 1, 2047, 0, 1), nil},
		{lbaOutOfRange, command(opRead, 1, 0xFFFFFFFF, 0xFFFFFFFF), nil},
		{invalidField, command(opRead, 2, 0, 0, 256), nil}, // more than MDTS
		{invalidField, command(opWrite, 1, 0, 0, 1), make([]byte, 512)},
		{invalidNamespace, command(opRead, 4), nil},
		{invalidNamespace, command(opRead, allNamespaces), nil},
		{writeProtected, command(opWrite, 3), make([]byte, 4096)},
		{writeProtected, command(opWriteZeroes, 3), nil},
		{writeProtected, command(opDSM, 3, 0, 4), make([]byte, 16)},
		{invalidField, command(opDSM, 1, 255, 4), make([]byte, 16)},
		{invalidOpcode, command(0x05, 1), nil},
	} {
		b.want(test.want, b.io, test.c, test.data)
	}
}

func TestLogs(t *testing.T) {
	b := newBench(t, "size=1M worn=101 critical=4 spare=5 hours=77 celsius=40")
	b.read(1, 0, 1)
	b.want(lbaOutOfRange, b.io, command(opRead, 1, 5000), nil)
	smart := b.must(b.admin, logCommand(logSMART, 512), nil).data
	if smart[0] != 4 || le.Uint16(smart[1:]) != 313 || smart[3] != 5 || smart[5] != 101 ||
		smart[32] != 1 || smart[64] != 1 || smart[128] != 77 || smart[176] != 1 {
		t.Errorf("SMART log: % X", smart[:192])
	}
	entry := b.must(b.admin, logCommand(logErrors, 64), nil).data
	if le.Uint64(entry) != 1 || le.Uint16(entry[8:]) != 1 || le.Uint16(entry[12:]) != uint16(lbaOutOfRange)<<1 || le.Uint64(entry[16:]) != 5000 {
		t.Errorf("error log: % X", entry)
	}
	effects := b.must(b.admin, logCommand(logEffects, 4096), nil).data
	if le.Uint32(effects[4*opSanitize:]) != 0x20003 || le.Uint32(effects[4*opFormat:]) != 0x20007 || le.Uint32(effects[4*0x0D:]) != 0 {
		t.Errorf("effects log: sanitize % X", effects[4*opSanitize:4*opSanitize+4])
	}
	part := command(opGetLogPage, allNamespaces, logEffects|3<<16, 0, 4*opSanitize)
	if got := b.must(b.admin, part, nil).data; len(got) != 16 || le.Uint32(got) != 0x20003 {
		t.Errorf("log page from an offset: % X", got)
	}
	b.want(invalidLogPage, b.admin, logCommand(0x70, 512), nil)
	b.want(invalidField, b.admin, command(opGetLogPage, 0, logSMART, 0, 513), nil)

	b = newBench(t, "short-log=20 log81=ffff0101aabbccdd")
	page := b.must(b.admin, logCommand(logSanitize, 512), nil).data
	if len(page) != 20 || hex.EncodeToString(page[:8]) != "ffff0101aabbccdd" {
		t.Errorf("log 81h: % X", page)
	}
}

func TestFeatures(t *testing.T) {
	b := newBench(t, "")
	if got := b.must(b.admin, command(opSetFeatures, 0, featureQueues, 63|63<<16), nil).result; got != 3|3<<16 {
		t.Errorf("number of queues: %#x", got)
	}
	b.must(b.admin, command(opSetFeatures, 0, featureEvents, 0x100), nil)
	if got := b.must(b.admin, command(opGetFeatures, 0, featureEvents), nil).result; got != 0x100 {
		t.Errorf("event configuration: %#x", got)
	}
	if got := b.must(b.admin, command(opGetFeatures, 0, featureCache), nil).result; got != 1 {
		t.Errorf("volatile write cache: %d", got)
	}
	b.want(invalidField, b.admin, command(opGetFeatures, 0, 0xEE), nil)
	b.want(featureNotSaveable, b.admin, command(opSetFeatures, 0, featureCache|1<<31), nil)
	b.want(invalidOpcode, b.admin, command(0x0D, 0), nil)
}

func TestConnectRefused(t *testing.T) {
	b := newBench(t, "")
	good := func() []byte {
		data := make([]byte, connectDataLen)
		copy(data[connectSubsystem:], b.s.NQN())
		copy(data[connectHost:], "nqn.test:host")
		le.PutUint16(data[connectCntlid:], b.admin.controller.id)
		return data
	}
	stranger, elsewhere, lost := good(), good(), good()
	copy(stranger[connectHost:], "nqn.test:other")
	copy(elsewhere[connectSubsystem:], "nqn.other")
	le.PutUint16(lost[connectCntlid:], 99)
	for _, test := range []struct {
		name   string
		qid    uint16
		data   []byte
		status status
		result uint64
	}{
		{"short data", 2, good()[:1023], connectFormat, 0},
		{"another subsystem", 2, elsewhere, connectInvalidParam, 1<<16 | connectSubsystem},
		{"no such controller", 2, lost, connectInvalidParam, 1<<16 | connectCntlid},
		{"another host", 2, stranger, connectInvalidParam, 1<<16 | connectHost},
		{"a chosen controller", 0, good(), connectInvalidParam, 1<<16 | connectCntlid},
		{"a queue that is there", 1, good(), connectInvalidParam, 42},
		{"too high a queue", ioQueues + 1, good(), connectInvalidParam, 42},
		{"good", 2, good(), success, uint64(b.admin.controller.id)},
	} {
		r := b.do(&queue{drop: func() {}}, connectCommand(test.qid), test.data)
		if r.status != test.status || r.result != test.result {
			t.Errorf("%s: %04Xh, %#x; want %04Xh, %#x", test.name, r.status, r.result, test.status, test.result)
		}
	}
	b.want(sequenceError, &queue{drop: func() {}}, command(opIdentify, 0, 1), nil)
}
