package nvme

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"wiped/engine/drive"
)

// fake is a controller with state behind it: namespaces with data, a sanitize log that moves on with each look, and ways to
// go wrong.
type fake struct {
	nsid    uint32 // of the descriptor
	ctrl    []byte
	ns      map[uint32][]byte // Identify Namespace
	data    map[uint32]string
	hidden  []uint32 // allocated, not attached
	log     []byte   // sanitize log
	health  []byte
	dulbe   bool
	fails   map[key]error // answers to questions and orders that go wrong
	blank   map[key]bool  // success is said and nothing is sent
	lie     string
	looks   int // until the sanitize ends
	got     []command
	changes int // commands that changed anything
}

// key names a command: by CNS or log page, where it has one.
type key struct {
	opcode byte
	what   byte
}

var (
	identifyController = key{opIdentify, cnsController}
	identifyNamespace  = key{opIdentify, cnsNamespace}
	activeList         = key{opIdentify, cnsActive}
	allocatedList      = key{opIdentify, cnsAllocated}
	readSanitizeLog    = key{opGetLogPage, logSanitize}
	readHealthLog      = key{opGetLogPage, logHealth}
	errorRecovery      = key{opGetFeatures, featureErrorRecovery}
	formatNVM          = key{opFormatNVM, 0}
	sanitizeNVM        = key{opSanitize, 0}
)

const (
	invalidOpcode = status(0x4001)
	invalidField  = status(0x4002)
	fakeBytes     = 1 << 30
)

// newFake is a drive that can do everything: one controller, namespaces 1 and 2 of 1 GiB, format 1 of two, 4096-byte blocks.
func newFake() *fake {
	f := &fake{nsid: 1, ctrl: make([]byte, pageBytes), ns: map[uint32][]byte{}, data: map[uint32]string{}, fails: map[key]error{}, blank: map[key]bool{}}
	le := binary.LittleEndian
	le.PutUint16(f.ctrl, 0x144d)
	copy(f.ctrl[4:], fmt.Sprintf("%-20s%-40s%-8s", "S123", "Fake SSD", "1.0"))
	le.PutUint32(f.ctrl[80:], 0x10400)
	le.PutUint16(f.ctrl[256:], 1<<1|1<<3)
	le.PutUint32(f.ctrl[328:], 1<<30|0b111)
	le.PutUint32(f.ctrl[516:], 8)
	f.ctrl[524] = 1 << 2
	f.log, f.health = make([]byte, logBytes), make([]byte, logBytes)
	le.PutUint16(f.log, 0xffff)
	for at, n := range map[int]uint32{8: 3200, 12: 7, 16: noEstimate} {
		le.PutUint32(f.log[at:], n)
	}
	copy(f.health, []byte{0, 0x3b, 0x01, 100, 10, 3})
	f.add(1)
	f.add(2)
	return f
}

func (f *fake) add(nsid uint32) {
	b := make([]byte, pageBytes)
	le := binary.LittleEndian
	le.PutUint64(b, fakeBytes/4096)
	le.PutUint64(b[8:], fakeBytes/4096)
	b[25], b[26], b[33] = 1, 1, 1
	b[128+2], b[132+2] = 9, 12
	f.ns[nsid], f.data[nsid] = b, "DATA"
}

func (f *fake) NSID() (uint32, error) { return f.nsid, nil }

func (f *fake) Do(c command) (uint32, error) {
	f.got = append(f.got, c)
	k := key{opcode: c.opcode}
	if c.opcode < opFormatNVM {
		k.what = byte(c.cdw10)
	}
	if err := f.fails[k]; err != nil {
		return 0, fmt.Errorf("send admin command %02xh: %w", c.opcode, err)
	}
	if f.blank[k] {
		return 0, nil
	}
	return f.do(k, c)
}

func (f *fake) do(k key, c command) (uint32, error) {
	switch k {
	case identifyController:
		copy(c.data, f.ctrl)
	case identifyNamespace:
		copy(c.data, f.ns[c.nsid])
	case activeList, allocatedList:
		ids := slices.Sorted(maps.Keys(f.ns))
		if k == allocatedList {
			ids = slices.Sorted(slices.Values(append(ids, f.hidden...)))
		}
		at := 0
		for _, id := range ids {
			if id > c.nsid && at < pageBytes {
				binary.LittleEndian.PutUint32(c.data[at:], id)
				at += 4
			}
		}
	case readSanitizeLog:
		f.step()
		copy(c.data, f.log)
	case readHealthLog:
		copy(c.data, f.health)
	case errorRecovery:
		if f.dulbe {
			return dulbe, nil
		}
	case formatNVM:
		f.changes++
		return 0, f.format(c)
	case sanitizeNVM:
		f.changes++
		return 0, f.sanitize(c)
	default:
		return 0, invalidOpcode
	}
	return 0, nil
}

// format refuses any format but the one that the namespace has, so that a test sees when it would have changed.
func (f *fake) format(c command) error {
	if c.cdw10&0x0f != uint32(f.ns[c.nsid][26]&0x0f) {
		return status(0x410a)
	}
	if f.lie != "kept" {
		f.data[c.nsid] = ""
	}
	return nil
}

func (f *fake) sanitize(c command) error {
	le := binary.LittleEndian
	if f.state() == sanitizing {
		return status(0x401d)
	}
	if f.lie == "ignores" {
		return nil
	}
	f.looks = 3
	le.PutUint16(f.log[2:], sanitizing)
	le.PutUint32(f.log[4:], c.cdw10)
	le.PutUint16(f.log, 0)
	return nil
}

func (f *fake) state() int { return int(f.log[2] & 0b111) }

// step is one look's worth of sanitizing.
func (f *fake) step() {
	le := binary.LittleEndian
	if f.state() != sanitizing || f.looks == 0 {
		return
	}
	if f.looks--; f.looks > 0 {
		le.PutUint16(f.log, uint16(3-f.looks)*0x4000)
		f.log[2] = sanitizing | 1<<3 // one pass ended: bits 7:3 are no state
		return
	}
	for nsid := range f.data {
		if f.lie != "kept" {
			f.data[nsid] = ""
		}
	}
	le.PutUint16(f.log, 0xffff)
	le.PutUint16(f.log[2:], map[string]uint16{"fails": sanitizeFailed, "unexpected": sanitizedDeallocated}[f.lie])
	switch f.lie {
	case "fails", "unexpected":
	case "forgets":
		clear(f.log[4:8])
	case "other":
		le.PutUint16(f.log[2:], sanitized)
		f.log[4] = 2
	default:
		le.PutUint16(f.log[2:], 1<<8|1<<3|sanitized)
	}
}

// tree is a sysfs with block devices: name -> folder of the controller or subsystem, relative to the tree, and number.
type entry struct {
	parent string
	nsid   string
}

// newTree makes a sysfs. nqns are the subsystem names, by folder; a folder without one has none.
func newTree(t testing.TB, entries map[string]entry, nqns map[string]string) string {
	t.Helper()
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for parent, nqn := range nqns {
		write(filepath.Join(root, parent, "subsysnqn"), nqn)
	}
	for name, e := range entries {
		dir := filepath.Join(root, "block", name)
		write(filepath.Join(root, e.parent, "state"), "live")
		write(filepath.Join(dir, "nsid"), e.nsid)
		if err := os.Symlink(filepath.Join(root, e.parent), filepath.Join(dir, "device")); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(root, "block")
}

// fakeTree is the sysfs of newFake's drive, and of another beside it.
func fakeTree(t testing.TB) string {
	return newTree(t, map[string]entry{
		"nvme0n1": {"nvme0", "1"}, "nvme0n2": {"nvme0", "2"}, "nvme1n1": {"nvme1", "1"}, "sda": {"ata1", "7"},
	}, map[string]string{"nvme0": "nqn.one", "nvme1": "nqn.two"})
}

func fakeNode(sys string) drive.Node {
	return drive.Node{Sys: filepath.Join(sys, "nvme0n1"), Info: drive.Info{
		Name: "nvme0n1", Path: "/dev/nvme0n1", Paths: []string{"/dev/nvme0n1"}, Serial: "S123", Size: fakeBytes,
	}}
}

var errHung error = syscall.ETIMEDOUT
