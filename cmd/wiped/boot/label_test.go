package boot

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bootSector makes a FAT file system of which only the beginning is there.
func bootSector(fat32 bool, label, root string) []byte {
	b := make([]byte, 64<<10)
	le := binary.LittleEndian
	copy(b, "\xeb\x3c\x90mkfs.fat")
	le.PutUint16(b[11:], 512)
	b[13], b[16], b[21] = 4, 2, 0xf8
	le.PutUint16(b[14:], 4)
	at, signature := (4+2*16)*512, 38
	if fat32 {
		le.PutUint32(b[36:], 16)
		le.PutUint32(b[44:], 3) // the root directory's first cluster
		at, signature = at+4*512, 66
	} else {
		le.PutUint16(b[17:], 512)
		le.PutUint16(b[22:], 16)
	}
	b[signature] = 0x29
	copy(b[signature+5:], padded(label))
	b[510], b[511] = 0x55, 0xaa
	copy(b[at:], "\xe5ONE       \x08") // a label that was deleted
	copy(b[at+32:], padded("LONGNAME")+"\x0f")
	if root != "" {
		copy(b[at+64:], padded(root)+"\x08")
	}
	return b
}

func padded(s string) string { return (s + "           ")[:11] }

func TestFATLabel(t *testing.T) {
	tests := []struct {
		name  string
		image []byte
		want  string
	}{
		{"FAT16, in the root directory", bootSector(false, "NO NAME", "WIPED"), "WIPED"},
		{"FAT32, in the root directory", bootSector(true, "NO NAME", "WIPED"), "WIPED"},
		{"the root directory counts", bootSector(true, "OLD", "WIPED"), "WIPED"},
		{"in the boot sector alone", bootSector(false, "WIPED", ""), "WIPED"},
		{"none", bootSector(false, "NO NAME", ""), ""},
		{"a sector of zeros", make([]byte, 4096), ""},
		{"cut short", bootSector(false, "WIPED", "")[:512], "WIPED"},
		{"shorter than a sector", []byte("\xeb\x3c\x90"), ""},
	}
	for _, test := range tests {
		if got, err := fatLabel(bytes.NewReader(test.image)); got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: fatLabel = %q, %v; want %q", test.name, got, err, test.want)
		}
	}
}

// TestRealLabels reads what the usual programs write.
func TestRealLabels(t *testing.T) {
	for _, c := range []struct{ kind, command string }{
		{"vfat", "mkfs.vfat -F 12 -n WIPED -C IMAGE 4096"}, {"vfat", "mkfs.vfat -F 16 -n WIPED -C IMAGE 16384"},
		{"vfat", "mkfs.vfat -F 32 -n WIPED -C IMAGE 65536"}, {"vfat", "mkfs.vfat -S 4096 -n WIPED -C IMAGE 65536"},
		{"ext4", "mkfs.ext4 -q -L WIPED IMAGE 8M"},
	} {
		image := filepath.Join(t.TempDir(), "image")
		words := strings.Fields(strings.ReplaceAll(c.command, "IMAGE", image))
		if _, err := exec.LookPath(words[0]); err != nil {
			t.Logf("%s is not here; the made-up sectors must do", words[0])
			continue
		}
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c.command, err, out)
		}
		f, err := os.Open(image)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if kind, label, err := volumeLabel(f); kind != c.kind || label != "WIPED" {
			t.Errorf("%s: volumeLabel = %s, %s, %v; want %s, WIPED", c.command, kind, label, err, c.kind)
		}
	}
}

func FuzzVolumeLabel(f *testing.F) {
	f.Add(bootSector(false, "WIPED", "A")[:1024])
	f.Add(bootSector(true, "WIPED", "A"))
	f.Fuzz(func(t *testing.T, image []byte) {
		if _, label, err := volumeLabel(bytes.NewReader(image)); err == nil && (label == "" || len(label) > 16) {
			t.Errorf("volumeLabel = %q", label)
		}
	})
}

// TestDeadDrive holds one drive's answer back: the others are read, and it is not asked again.
func TestDeadDrive(t *testing.T) {
	var l looks
	release := make(chan struct{})
	asked := make(chan string, 8)
	read := func(name string) (volume, bool) {
		asked <- name
		if name == "dead" {
			<-release
		}
		return volume{name: name, label: "L"}, true
	}
	begun := time.Now()
	got := l.volumesWithin(time.Second, []string{"sdb", "dead", "sda"}, read)
	if names := deviceNames(got); names != "/dev/sda, /dev/sdb" || time.Since(begun) > patience {
		t.Errorf("volumes = %s; want sda and sdb", names)
	}
	for range 3 {
		<-asked
	}
	l.volumesWithin(50*time.Millisecond, []string{"dead"}, read)
	close(release)
	if len(asked) != 0 {
		t.Error("the dead drive was asked twice")
	}
}

func TestChooseVolume(t *testing.T) {
	all := []volume{{"sda1", "ext4", "State"}, {"sdb1", "vfat", "TWO"}, {"sdc1", "vfat", "TWO"}}
	for wanted, want := range map[string]string{"STATE": "sda1", "/dev/sdb1": "sdb1", "two": "", "three": "", "/dev/sdd": ""} {
		if v, err := chooseVolume(all, wanted); v.name != want || (err == nil) != (want != "") {
			t.Errorf("chooseVolume(%s) = %v, %v; want %q", wanted, v, err, want)
		}
	}
}

func TestVolumeNames(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{"sda/size": "100\n", "sda/sda1/partition": "1\n", "sda1/size": "50\n", "sda1/partition": "1\n", "loop0/size": "5\n",
		"sr0/size": "9\n", "sdb/size": "0\n", "nvme0n1/size": "2000000\n", "nvme0n1/device/model": "Fast   One \n", "nvme0c0n1/size": "7\n", "nvme0c0n1/hidden": "1\n",
		"mmcblk0/size": "7\n", "mmcblk0boot0/size": "7\n"} {
		file := filepath.Join(root, name)
		check(t, os.MkdirAll(filepath.Dir(file), 0o755))
		check(t, os.WriteFile(file, []byte(text), 0o644))
	}
	if got := strings.Join(volumeNames(root), " "); got != "mmcblk0 mmcblk0boot0 nvme0c0n1 nvme0n1 sda1" { // sda has partitions
		t.Errorf("volumeNames = %v", got)
	}
	if got := strings.Join(driveNames(root), " "); got != "mmcblk0 nvme0n1 sda" {
		t.Errorf("driveNames = %v", got)
	}
	if got := describe(root, "nvme0n1"); got != " (Fast   One, 1024 MB)" {
		t.Errorf("describe = %q", got)
	}
	if got := describe(root, "sdz"); got != "" {
		t.Errorf("describe of what is not there = %q", got)
	}
}

// TestSlow names what a start is waiting for.
func TestSlow(t *testing.T) {
	if got := slowText([]string{"sdz"}, []string{"ahci", "mpt3sas"}); got != "the drive sdz, which does not answer; the drivers ahci mpt3sas" {
		t.Errorf("slowText = %s", got)
	}
	if got := slowText(nil, nil); !strings.Contains(got, "controller") {
		t.Errorf("slowText = %s", got)
	}
}
