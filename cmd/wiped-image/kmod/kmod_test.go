package kmod

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// madeUp writes a kernel's folder of modules: path below kernel/ -> fields of .modinfo.
func madeUp(t *testing.T, modules map[string][]string, builtin, aliases string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "6.1.0-test")
	for path, fields := range modules {
		write(t, filepath.Join(dir, "kernel", path), object(strings.Join(fields, "\x00")+"\x00"))
	}
	write(t, filepath.Join(dir, "modules.builtin"), []byte(builtin))
	write(t, filepath.Join(dir, "modules.builtin.modinfo"), []byte(aliases))
	return dir
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// object is the smallest ELF file with a .modinfo section.
func object(modinfo string) []byte {
	const names = "\x00.modinfo\x00.shstrtab\x00"
	var b bytes.Buffer
	put := func(v ...any) {
		for _, one := range v {
			_ = binary.Write(&b, binary.LittleEndian, one)
		}
	}
	put([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), uint16(1), uint16(62), uint32(1), uint64(0), uint64(0),
		uint64(64+len(modinfo)+len(names)), uint32(0), uint16(64), uint16(0), uint16(0), uint16(64), uint16(3), uint16(2))
	put([]byte(modinfo), []byte(names), make([]byte, 64))
	section := func(name, kind uint32, at, size int) {
		put(name, kind, uint64(0), uint64(0), uint64(at), uint64(size), uint32(0), uint32(0), uint64(1), uint64(0))
	}
	section(1, 1, 64, len(modinfo))
	section(10, 3, 64+len(modinfo), len(names))
	return b.Bytes()
}

func index(t *testing.T) *Index {
	t.Helper()
	x, err := Read(madeUp(t, map[string][]string{
		"drivers/scsi/sd_mod.ko":      {"alias=scsi:t-0x00*", "depends=scsi_mod,t10-pi"},
		"drivers/scsi/scsi_mod.ko":    {"depends=scsi-common"},
		"drivers/scsi/scsi_common.ko": {"depends="},
		"block/t10-pi.ko":             {"depends=crc-t10dif"},
		"lib/crc-t10dif.ko":           {"softdep=pre: crct10dif post: nowhere", "depends="},
		"crypto/crct10dif_generic.ko": {"alias=crct10dif", "depends="},
		"arch/crct10dif-pclmul.ko":    {"alias=crct10dif", "depends="},
		"net/mlx4_core.ko":            {"firmware=mlx/a.bin", "depends="},
		"net/mlx4_en.ko":              {"depends=mlx4_core"},
		"net/unused.ko":               {"firmware=other.bin", "depends="},
	}, "kernel/drivers/rtc/rtc-cmos.ko\n", "rtc_cmos.alias=platform:rtc\x00"))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func choose(t *testing.T, list string) (*Selection, error) {
	t.Helper()
	wishes, err := ParseList(list)
	if err != nil {
		t.Fatal(err)
	}
	return index(t).Select(wishes)
}

func TestSelectTakesAllThatIsNeeded(t *testing.T) {
	s, err := choose(t, "sd-mod essential load # drives\nmlx4_core brings=mlx4-en\nrtc_cmos essential\ntoaster\n")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range s.Modules {
		names = append(names, m.Name)
	}
	want := []string{"crc_t10dif", "crct10dif_generic", "crct10dif_pclmul", "mlx4_core", "mlx4_en", "scsi_common", "scsi_mod", "sd_mod", "t10_pi"}
	if !slices.Equal(names, want) {
		t.Errorf("took %v, want %v", names, want)
	}
	if !slices.Equal(s.Missing, []string{"toaster"}) {
		t.Errorf("missing %v, want toaster alone: rtc_cmos is built in", s.Missing)
	}
	if got := s.Firmware(); len(got) != 1 || !slices.Equal(got["mlx/a.bin"], []string{"mlx4_core"}) {
		t.Errorf("firmware %v, want that of mlx4_core alone", got)
	}
}

func TestFilesHaveTheFormatsOfDepmod(t *testing.T) {
	s, err := choose(t, "sd_mod load\nmlx4_core brings=mlx4_en\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"modules.dep": "kernel/drivers/scsi/sd_mod.ko: kernel/block/t10-pi.ko kernel/lib/crc-t10dif.ko " +
			"kernel/drivers/scsi/scsi_mod.ko kernel/drivers/scsi/scsi_common.ko\n",
		"modules.alias":   "alias scsi:t-0x00* sd_mod\n",
		"modules.softdep": "softdep crc_t10dif pre: crct10dif_pclmul crct10dif_generic\nsoftdep mlx4_core post: mlx4_en\n",
		"modules.load":    "sd_mod\n",
	} {
		if got := s.Files()[name]; !strings.Contains(got, want) {
			t.Errorf("%s is\n%s\nand lacks\n%s", name, got, want)
		}
	}
}

func TestEssentialModulesMustBeThere(t *testing.T) {
	if _, err := choose(t, "sd_mod\nahci essential\nnvme essential\n"); err == nil || !strings.Contains(err.Error(), "essential modules: ahci, nvme") {
		t.Errorf("error is %v, want one that names ahci and nvme", err)
	}
}

func TestBrokenDependencyIsAnError(t *testing.T) {
	x, err := Read(madeUp(t, map[string][]string{"a.ko": {"depends=b"}}, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Select([]Wish{{Name: "a"}}); err == nil {
		t.Error("a module without what it needs was taken")
	}
}

func TestReadRefuses(t *testing.T) {
	packed := madeUp(t, nil, "", "")
	write(t, filepath.Join(packed, "kernel/a.ko.xz"), nil)
	broken := madeUp(t, nil, "", "")
	write(t, filepath.Join(broken, "kernel/a.ko"), []byte("no ELF"))
	for dir, want := range map[string]string{packed: "compressed", broken: "read module kernel/a.ko", t.TempDir(): "index modules"} {
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}

func TestParseListRefuses(t *testing.T) {
	for _, list := range []string{"ahci esential", "ahci\na-b\na_b"} {
		if got, err := ParseList(list); err == nil {
			t.Errorf("%q was taken as %v", list, got)
		}
	}
}
