package block

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
)

const (
	sata   = "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/"
	sas    = "pci0000:00/0000:01:00.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block/"
	usb    = "pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/"
	nvme   = "pci0000:00/0000:02:00.0/nvme/nvme0/"
	tcp    = "virtual/nvme-fabrics/ctl/nvme1/"
	subsys = "virtual/nvme-subsystem/nvme-subsys0/"
	virtio = "pci0000:00/0000:00:05.0/virtio2/block/"
	mmc    = "platform/soc/fe320000.mmc/mmc_host/mmc0/mmc0:aaaa/block/"
	iscsi  = "platform/host7/session1/target7:0:0/7:0:0:0/block/"
)

// Each kind of device as the kernel shows it.
func TestKinds(t *testing.T) {
	for _, test := range []struct {
		what, path string
		attrs      attrs
		want       drive.Info // what is to be compared; Layer "*": any but none
	}{
		{"SATA", sata + "sda", attrs{"device/vendor": "ATA     \n", "device/model": "WDC WD10EZEX-08W\n", "device/rev": "1A01\n", "device/vpd_pg80": pg("     WD-WCC6Y1234567"),
			"device/wwid": "naa.50014ee2b1234567\n", "size": "1953525168", "queue/rotational": "1"},
			drive.Info{Vendor: "ATA", Model: "WDC WD10EZEX-08W", Firmware: "1A01", Serial: "WD-WCC6Y1234567", SerialSource: "VPD page 80h",
				WWN: "0x50014ee2b1234567", Size: 1000204886016, Transport: "sata"}},
		{"SAS", sas + "sdb", attrs{"device/vpd_pg80": pg("ZA1ABCDE0000C1234567"), "wwid": "naa.5000c500a1b2c3d4", "device/model": "ST4000NM0025"},
			drive.Info{Model: "ST4000NM0025", Serial: "ZA1ABCDE0000C1234567", SerialSource: "VPD page 80h", WWN: "0x5000c500a1b2c3d4", Size: 1 << 20, Transport: "sas"}},
		{"NVMe", nvme + "nvme0n1", attrs{"device/model": "Samsung SSD 980 PRO 1TB                 \n", "device/serial": "S5GXNX0R123456      \n", "device/firmware_rev": "5B2QGXA7\n",
			"device/transport": "pcie\n", "wwid": "eui.002538b111b12345\n"},
			drive.Info{Model: "Samsung SSD 980 PRO 1TB", Serial: "S5GXNX0R123456", SerialSource: "sysfs device/serial", Firmware: "5B2QGXA7", WWN: "eui.002538b111b12345",
				Size: 1 << 20, Transport: "nvme"}},
		{"NVMe without an EUI", nvme + "nvme0n1", attrs{"device/serial": "S1", "device/transport": "pcie", "wwid": "nvme.144d-5335-4e56-00000001"},
			drive.Info{Serial: "S1", SerialSource: "sysfs device/serial", Size: 1 << 20, Transport: "nvme"}},
		{"NVMe over TCP", tcp + "nvme1n1", attrs{"device/serial": "abc", "device/model": "Linux", "device/transport": "tcp\n", "wwid": "uuid.7c6a1234-0000-4000-8000-000000000001"},
			drive.Info{Model: "Linux", Serial: "abc", SerialSource: "sysfs device/serial", WWN: "uuid.7c6a1234-0000-4000-8000-000000000001", Size: 1 << 20,
				Transport: "nvme-tcp", Layer: "network disk"}},
		{"USB", usb + "sdc", attrs{"device/vendor": "SanDisk ", "device/model": "Ultra", "device/vpd_pg80": pg("4C530001"), "removable": "1"},
			drive.Info{Vendor: "SanDisk", Model: "Ultra", Serial: "4C530001", SerialSource: "VPD page 80h", Size: 1 << 20, Transport: "usb"}},
		{"virtio", virtio + "vdb", attrs{"serial": "disk-42", "device/vendor": "0x1af4"},
			drive.Info{Vendor: "0x1af4", Serial: "disk-42", SerialSource: "sysfs serial", Size: 1 << 20, Transport: "virtio", Layer: "virtual disk"}},
		{"SCSI over virtio", "pci0000:00/0000:00:06.0/virtio3/host2/target2:0:0/2:0:0:0/block/sdd", attrs{"device/vpd_pg80": pg("x")},
			drive.Info{Serial: "x", SerialSource: "VPD page 80h", Size: 1 << 20, Transport: "virtio", Layer: "virtual disk"}},
		{"MMC", mmc + "mmcblk0", attrs{"device/name": "SD32G\n", "device/serial": "0x1234abcd\n", "device/fwrev": "0x8"},
			drive.Info{Model: "SD32G", Firmware: "0x8", Serial: "0x1234abcd", SerialSource: "sysfs device/serial", Size: 1 << 20, Transport: "mmc"}},
		{"iSCSI", iscsi + "sde", attrs{"device/vpd_pg80": pg("lun1"), "device/wwid": "naa.60014051234"},
			drive.Info{Serial: "lun1", SerialSource: "VPD page 80h", WWN: "0x60014051234", Size: 1 << 20, Transport: "iscsi", Layer: "network disk"}},
		{"Xen", "vbd-51712/block/xvda", attrs{}, drive.Info{Size: 1 << 20, Transport: "xen", Layer: "virtual disk"}},
		{"device mapper", "virtual/block/dm-0", attrs{"dm/name": "vg-lv"}, drive.Info{Size: 1 << 20, Transport: "device-mapper", Layer: "device-mapper volume"}},
		{"md", "virtual/block/md127", attrs{"md/level": "raid1"}, drive.Info{Size: 1 << 20, Transport: "md", Layer: "RAID volume"}},
		{"zram", "virtual/block/zram0", attrs{}, drive.Info{Size: 1 << 20, Transport: "memory", Layer: "compressed memory"}},
		{"nbd", "virtual/block/nbd0", attrs{}, drive.Info{Size: 1 << 20, Transport: "virtual", Layer: "*"}},
		{"loop", "virtual/block/loop0", attrs{"loop/backing_file": "/srv/none such.img\n", "loop/offset": "0"},
			drive.Info{Size: 1 << 20, Transport: "loop", Model: "loop device", Layer: "loop device on /srv/none such.img"}},
		{"unheard of", "platform/strange/block/foo0", attrs{}, drive.Info{Size: 1 << 20, Transport: "unknown"}},
	} {
		tr := newTree(t)
		tr.disk(test.path, test.attrs)
		got, want := tr.one(), test.want
		if want.Serial == "" {
			if !strings.HasPrefix(got.Serial, "~") || !strings.HasPrefix(got.SerialSource, "made by this station") {
				t.Errorf("%s: serial %q from %q; want one made by the station", test.what, got.Serial, got.SerialSource)
			}
			want.Serial, want.SerialSource = got.Serial, got.SerialSource
		}
		if want.Layer == "*" && got.Layer != "" {
			want.Layer = got.Layer
		}
		for _, part := range []struct {
			what      string
			got, want any
		}{
			{"vendor", got.Vendor, want.Vendor}, {"model", got.Model, want.Model}, {"firmware", got.Firmware, want.Firmware}, {"serial", got.Serial, want.Serial},
			{"source", got.SerialSource, want.SerialSource}, {"WWN", got.WWN, want.WWN}, {"size", got.Size, want.Size}, {"transport", got.Transport, want.Transport},
			{"layer", got.Layer, want.Layer}, {"logical sector", got.LogicalSector, 512}, {"physical sector", got.PhysicalSector, 4096},
			{"ID", fmt.Sprint(got.ID.Serial, got.ID.WWN, got.ID.Size), fmt.Sprint(want.Serial, want.WWN, want.Size)},
			{"path", got.Path, filepath.Join(tr.dev, got.Name)}, {"uses", len(got.Uses), 0}, {"problem", got.Problem, ""},
		} {
			if part.got != part.want {
				t.Errorf("%s: %s is %q; want %q", test.what, part.what, part.got, part.want)
			}
		}
	}
}

// With native multipath, which is the kernel's default, the disk stands below its subsystem and the transport with the
// controllers: a drive in the machine is no network disk, and a network disk is nothing else.
func TestNVMeSubsystem(t *testing.T) {
	for over, want := range map[string][2]string{"pcie": {"nvme", ""}, "tcp": {"nvme-tcp", "network disk"}, "rdma": {"nvme-rdma", "network disk"}} {
		tr := newTree(t)
		tr.disk(subsys+"nvme0n1", attrs{"device/model": "M", "device/serial": "S", "device/firmware_rev": "F", "device/subsysnqn": "nqn.x", "wwid": "eui.002538b111b12345"})
		where := map[bool]string{true: nvme, false: "virtual/nvme-fabrics/ctl/nvme0/"}[over == "pcie"]
		controller := filepath.Join(tr.sys, "devices", where)
		tr.write(filepath.Join(controller, "transport"), over+"\n")
		if err := os.Symlink(controller, filepath.Join(tr.sys, "devices", subsys, "nvme0")); err != nil {
			t.Fatal(err)
		}
		tr.disk(where+"nvme0c0n1", attrs{"hidden": "1", "device/serial": "S", "wwid": "eui.002538b111b12345"})
		got := tr.one()
		if got.Name != "nvme0n1" || got.Transport != want[0] || got.Layer != want[1] {
			t.Errorf("NVMe subsystem over %s: %s, transport %q, layer %q; want nvme0n1, %q, %q", over, got.Name, got.Transport, got.Layer, want[0], want[1])
		}
	}
}

func TestSelection(t *testing.T) {
	tr := newTree(t)
	for _, path := range []string{sata + "sda", sas + "sdb", nvme + "nvme0n1", mmc + "mmcblk0", virtio + "vda", "pci0000:00/0000:03:00.0/cciss0/block/cciss!c0d0",
		"virtual/block/dm-0", "virtual/block/md0", "virtual/block/zram0", "virtual/block/ram0", "virtual/block/nbd0", "virtual/block/fd0",
		"pci0000:00/0000:00:1f.2/ata2/host1/target1:0:0/1:0:0:0/block/sr0"} {
		tr.disk(path, attrs{})
	}
	tr.disk("virtual/block/loop0", attrs{"loop/backing_file": "/x"})
	tr.disk("virtual/block/loop1", attrs{"size": "0"})
	tr.disk(usb+"sdc", attrs{"size": "0"}) // a card reader without a card
	tr.disk(nvme+"nvme0c0n1", attrs{"hidden": "1"})
	tr.disk(sata+"srv", attrs{}) // not optical, whatever its name begins with
	real := []string{"cciss/c0d0", "mmcblk0", "nvme0n1", "sda", "sdb", "srv", "vda"}
	for choice, want := range map[string][]string{
		"all":                 real,
		"none":                nil,
		"sda":                 {"sda"},
		"/dev/sda":            {"sda"},
		"sd*":                 {"sda", "sdb", "sdc"},
		"/dev/sd?,nvme*":      {"nvme0n1", "sda", "sdb", "sdc"},
		"loop*":               {"loop0"},
		"loop1":               nil, // nothing is attached to it
		"all,loop0":           append([]string{"loop0"}, real...),
		"all,sda,sda":         real,
		"dm-0":                {"dm-0"},
		"dm-*,md*,sr*,zram*":  {"dm-0", "md0", "sr0", "srv", "zram0"},
		"ram0,nbd0,fd0":       {"fd0", "nbd0", "ram0"},
		"*,cciss/*":           append([]string{"dm-0", "fd0", "loop0", "md0", "nbd0", "ram0", "sdc", "sr0", "zram0"}, real...),
		"cciss/*":             {"cciss/c0d0"},
		"/dev/cciss/c0d0":     {"cciss/c0d0"},
		"nvme0c0n1":           nil,
		"sdz":                 nil,
		"SDA":                 nil,
		"sd[ab]":              {"sda", "sdb"},
		"none,sda":            {"sda"},
		"/dev/*":              append([]string{"dm-0", "fd0", "loop0", "md0", "nbd0", "ram0", "sdc", "sr0", "zram0"}, slices.DeleteFunc(slices.Clone(real), func(s string) bool { return s == "cciss/c0d0" })...),
		"/dev/disk/by-id/x,a": nil,
	} {
		got := names(tr.find(choice))
		slices.Sort(got)
		want = slices.Sorted(slices.Values(want))
		if !slices.Equal(got, want) {
			t.Errorf("--drives %s presents %v; want %v", choice, got, want)
		}
	}
	for _, choice := range []string{"", "sda,", ",", "[", "sd[a", "all,,sda"} {
		if s, err := New(choice); err == nil {
			t.Errorf("New(%q) = %v, nil; want an error", choice, s)
		}
	}
}

func TestPathWithSlash(t *testing.T) {
	tr := newTree(t)
	tr.disk("pci0000:00/0000:03:00.0/cciss0/block/cciss!c0d0", attrs{})
	want := filepath.Join(tr.dev, "cciss/c0d0")
	if got := tr.find("all"); len(got) != 1 || got[0].Name != "cciss/c0d0" || got[0].Path != want {
		t.Errorf("cciss!c0d0 is %+v; want cciss/c0d0, %s", got, want)
	}
}

func TestPartitions(t *testing.T) {
	tr := newTree(t)
	var root unix.Stat_t
	if err := unix.Stat("/", &root); err != nil {
		t.Fatal(err)
	}
	dir := tr.disk(sata+"sda", attrs{})
	for name, dev := range map[string]string{"sda1": "240:1001", "sda2": fmt.Sprintf("%d:%d", unix.Major(root.Dev), unix.Minor(root.Dev)), "sda3": "240:1003"} {
		tr.write(filepath.Join(dir, name, "partition"), name[3:])
		tr.write(filepath.Join(dir, name, "dev"), dev)
	}
	tr.write(filepath.Join(dir, "sda1", "holders", "dm-3", "dm", "name"), "vg-root\n")
	tr.write(filepath.Join(dir, "sda3", "bcache", "state"), "x")
	tr.write(filepath.Join(dir, "holders", "md0", "md", "level"), "raid1\n")
	tr.write(filepath.Join(dir, "power", "control"), "auto")
	got := tr.one()
	slices.Sort(got.Partitions)
	if !slices.Equal(got.Partitions, []string{"sda1", "sda2", "sda3"}) {
		t.Errorf("partitions = %v; want sda1, sda2, sda3", got.Partitions)
	}
	for _, want := range []string{"part of md0", "sda1: part of dm-3 (vg-root)", "sda2: holds the root filesystem", "sda2: mounted on ", "sda3: part of bcache"} {
		if !slices.ContainsFunc(got.Uses, func(u drive.Use) bool { return strings.HasPrefix(u.What, want) && u.Hint != "" }) {
			t.Errorf("uses = %v; want %q with a hint", got.Uses, want)
		}
	}
}

// What a drive says of itself reaches nobody's terminal raw, and nothing of it is taken for what it is not.
func TestHostileText(t *testing.T) {
	evil := "\x1b[2J\x07\u202e\u009b31m\xff\xfe\t\nX"
	tr := newTree(t)
	tr.disk(sata+"sda", attrs{"device/vendor": evil, "device/model": evil, "device/rev": evil, "device/vpd_pg80": pg(evil), "wwid": "naa." + evil, "device/transport": evil})
	dir := tr.disk("virtual/block/loop0", attrs{"loop/backing_file": "/tmp/" + evil})
	tr.write(filepath.Join(dir, "holders", "dm-0", "dm", "name"), evil)
	for _, i := range tr.find("*") {
		texts := append([]string{i.Vendor, i.Model, i.Firmware, i.Serial, i.WWN, i.Transport, i.Layer, i.Path, i.Name, i.SerialSource}, i.Partitions...)
		for _, u := range i.Uses {
			texts = append(texts, u.What, u.Hint)
		}
		for _, text := range texts {
			if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
				t.Errorf("%s says %q; want only what prints", i.Name, text)
			}
		}
	}
}

func TestAbsurdNumbers(t *testing.T) {
	for size, want := range map[string]int64{"0": 0, "8": 4096, " 8 \n": 4096, "": 0, "ABSENT": 0, "abc": 0, "-8": 0, "0x10": 0, "1e9": 0,
		"9223372036854775807": 0, "99999999999999999999999": 0, "18014398509481984": 0, "18014398509481983": 18014398509481983 * 512, "36028797018963968": 0} {
		tr := newTree(t)
		tr.disk(sata+"sda", attrs{"size": size, "queue/logical_block_size": size, "diskseq": size, "dev": size})
		got := tr.one()
		if got.Size != want || got.ID.Size != want {
			t.Errorf("size of a drive of %q units = %d; want %d", size, got.Size, want)
		}
		if got.LogicalSector < 0 {
			t.Errorf("sector of a drive of %q = %d; want no less than 0", size, got.LogicalSector)
		}
		shown := len(tr.find("all")) == 1
		if shown != (want > 0) {
			t.Errorf("a drive of %q units among all: %v; want %v", size, shown, want > 0)
		}
	}
	tr := newTree(t)
	tr.disk(sas+"sda", attrs{"size": "2048", "queue/logical_block_size": "4096\n", "queue/physical_block_size": "4096\n",
		"queue/optimal_io_size": "196608\n", "ro": "1"})
	if got := tr.one(); got.Size != 1<<20 || got.LogicalSector != 4096 || got.PhysicalSector != 4096 || got.OptimalIO != 192<<10 || !got.ReadOnly {
		t.Errorf("a read-only drive of 4096-byte sectors = %+v; want 1 MiB (sysfs counts 512), 4096, 4096, best 192 KiB, read-only", got)
	}
}

func TestNotToBeOpened(t *testing.T) {
	tr := newTree(t)
	tr.disk(sata+"sda", attrs{})
	if err := os.Remove(filepath.Join(tr.dev, "sda")); err != nil {
		t.Fatal(err)
	}
	if got := tr.one(); got.Problem == "" || strings.Contains(got.Problem, "permission") {
		t.Errorf("problem of a drive without a node in /dev = %q; want one, and not of permission", got.Problem)
	}
}

func TestNoSysfs(t *testing.T) {
	s := &Source{Sys: t.TempDir(), Dev: "/dev", choice: []string{"all"}}
	if found, err := s.Find(); err == nil {
		t.Errorf("Find() without sysfs = %v, nil; want an error", found)
	}
	s.choice = nil
	if found, err := s.Find(); err != nil || found != nil {
		t.Errorf("Find() of none without sysfs = %v, %v; want nothing, no error", found, err)
	}
}

// A device that goes while it is looked at leaves half a folder behind.
func TestVanishing(t *testing.T) {
	tr := newTree(t)
	if err := os.Mkdir(filepath.Join(tr.sys, "block", "sda"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/none", filepath.Join(tr.sys, "block", "sdb")); err != nil {
		t.Fatal(err)
	}
	for _, i := range tr.find("*") {
		if i.Size != 0 || i.Serial == "" {
			t.Errorf("what is left of %s = %+v; want no size, some serial", i.Name, i)
		}
	}
	if got := tr.find("all"); len(got) != 0 {
		t.Errorf("Find(all) = %v; want none", names(got))
	}
}
