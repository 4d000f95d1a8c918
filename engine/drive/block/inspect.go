package block

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/inuse"
)

// device is one block device as it was at one look.
type device struct {
	dir    dir
	dev    string
	sets   []drive.CommandSet
	odd    bool      // it is a drive for which the kernel has no size, as it says itself
	others []*device // further paths to the same drive
	info   drive.Info
}

// sysfs counts in units of 512 bytes, whatever the sector is (ABI/stable/sysfs-block).
const sysfsUnit = 512

// name is the kernel's name; sysfs writes ! for the / in names such as cciss/c0d0.
func (d *device) name() string { return strings.ReplaceAll(filepath.Base(string(d.dir)), "!", "/") }

func (d *device) path() string { return filepath.Join(d.dev, d.name()) }

// size is in bytes; 0 if sysfs says what no drive can have.
func (d *device) size() int64 {
	units := d.dir.number("size")
	if units > math.MaxInt64/sysfsUnit {
		return 0
	}
	return units * sysfsUnit
}

// unused is a loop device that nothing was attached to.
func (d *device) unused() bool { return strings.HasPrefix(d.name(), "loop") && !d.dir.has("loop") }

func (d *device) inspect(used *inuse.Snapshot, boot string) {
	i := &d.info
	*i = drive.Info{
		Name: d.name(), Path: d.path(), Paths: []string{d.path()}, Size: d.size(),
		Vendor: d.dir.text("device/vendor"), Model: d.dir.text("device/model"),
		LogicalSector: int(d.dir.number("queue/logical_block_size")), PhysicalSector: int(d.dir.number("queue/physical_block_size")),
		OptimalIO: int(d.dir.number("queue/optimal_io_size")), ReadOnly: d.dir.is("ro"), Zoned: d.dir.text("queue/zoned") == "host-managed",
	}
	if i.Model == "" {
		i.Model = d.dir.text("device/name") // MMC
	}
	for _, attr := range []string{"device/firmware_rev", "device/rev", "device/fwrev"} {
		if i.Firmware == "" {
			i.Firmware = d.dir.text(attr)
		}
	}
	if d.dir.has("queue/rotational") {
		rotational := d.dir.is("queue/rotational")
		i.Rotational = &rotational
	}
	d.transport()
	d.identity(boot)
	d.uses(used)
	i.Problem = d.problem()
}

// problem is why the device cannot be opened.
func (d *device) problem() string {
	mode := uint32(unix.R_OK | unix.W_OK)
	if d.info.ReadOnly {
		mode = unix.R_OK
	}
	switch err := unix.Access(d.path(), mode); {
	case err == nil:
		return ""
	case errors.Is(err, unix.ENOENT):
		return "there is no " + d.path() + " for it"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return "permission denied: the server may not open " + d.path()
	default:
		return "it cannot be opened: " + err.Error()
	}
}

// transports tells a bus by what stands in the resolved path of the device; the first match counts.
var transports = []struct{ part, transport, layer string }{
	{"/usb", "usb", ""},
	{"/session", "iscsi", "network disk"},
	{"/rport-", "fc", "network disk"},
	{"/vmbus", "hyper-v", "virtual disk"},
	{"/rbd/", "rbd", "network disk"},
	{"/virtio", "virtio", "virtual disk"},
	{"/ata", "sata", ""},
	{"/end_device-", "sas", ""},
	{"/mmc_host/", "mmc", ""},
	{"/nvme", "nvme", ""},
	{"/vbd-", "xen", "virtual disk"},
	{"/tcm_loop", "scsi", "virtual disk"}, // the host of LIO, whose targets are programs or files
	{"/pseudo_", "scsi", "virtual disk"},  // scsi_debug
	{"/virtual/block/loop", "loop", "loop device"},
	{"/virtual/block/dm-", "device-mapper", "device-mapper volume"},
	{"/virtual/block/md", "md", "RAID volume"},
	{"/virtual/block/zram", "memory", "compressed memory"},
	{"/virtual/block/", "virtual", "virtual disk"},
}

func (d *device) transport() {
	i := &d.info
	real, err := filepath.EvalSymlinks(string(d.dir))
	if err != nil {
		real = string(d.dir)
	}
	for _, t := range transports {
		if strings.Contains(real+"/", t.part) {
			i.Transport, i.Layer = t.transport, t.layer
			break
		}
	}
	d.fabric()
	d.controller()
	for _, v := range virtual {
		if i.Layer == "" && strings.Contains(strings.ToUpper(i.Vendor+" "+i.Model), v.name) {
			i.Layer = v.layer
		}
	}
	if i.Transport == "loop" {
		i.Layer = "loop device on " + d.dir.text("loop/backing_file")
		i.Model = "loop device"
	}
	if i.Transport == "" {
		i.Transport = "unknown"
	}
}

// virtual tells drives that are none by what they call themselves. Such a name proves nothing, but a claim about the
// media behind it would prove less.
var virtual = []struct{ name, layer string }{
	{"QEMU", "virtual disk"}, {"VMWARE", "virtual disk"}, {"VBOX", "virtual disk"}, {"VIRTUAL DISK", "virtual disk"}, {"MSFT", "virtual disk"},
	{"AMAZON ELASTIC BLOCK", "network disk"}, {"GOOGLE", "virtual disk"},
	{"LOGICAL VOLUME", "RAID volume"}, {"MEGARAID", "RAID volume"}, {"PERC", "RAID volume"}, {"SERVERAID", "RAID volume"},
}

// fabric finds NVMe namespaces that are reached over a network: by their controller, or, under native multipath, by any of
// the controllers of their subsystem.
func (d *device) fabric() {
	if !strings.HasPrefix(d.name(), "nvme") {
		return
	}
	attrs, _ := filepath.Glob(filepath.Join(string(d.dir), "device", "nvme*", "transport"))
	overs := []string{d.dir.text("device/transport")}
	for _, a := range attrs {
		overs = append(overs, dir(filepath.Dir(a)).text("transport"))
	}
	for _, over := range overs {
		if over != "" && over != "pcie" {
			d.info.Transport, d.info.Layer = "nvme-"+over, "network disk"
		}
	}
}

// controller names the NVMe subsystem that a namespace is part of.
func (d *device) controller() {
	if strings.HasPrefix(d.name(), "nvme") {
		d.info.Controller = "nvme " + d.dir.text("device/subsysnqn")
	}
}

// identity finds the serial where the kernel keeps it for each kind, and makes one where there is none.
func (d *device) identity(boot string) {
	i := &d.info
	page, _ := os.ReadFile(filepath.Join(string(d.dir), "device/vpd_pg80"))
	for _, from := range []struct{ serial, source string }{
		{pg80(page), "VPD page 80h"},
		{d.dir.text("device/serial"), "sysfs device/serial"},
		{d.dir.text("serial"), "sysfs serial"},
		{d.usbSerial(), usbDescriptor},
	} {
		if i.Serial == "" {
			i.Serial, i.SerialSource = drive.Serial(from.serial), from.source
		}
	}
	for _, attr := range []string{"wwid", "device/wwid"} {
		if i.WWN == "" {
			i.WWN = wwn(d.dir.text(attr))
		}
	}
	rdev, _ := d.dir.rdev()
	i.ID = drive.ID{WWN: i.WWN, Size: i.Size, DiskSeq: uint64(d.dir.number("diskseq")), Boot: boot,
		Keys: []string{fmt.Sprintf("block %d", rdev)}}
	if nsid := d.dir.number("nsid"); nsid > 0 && i.WWN == "" && d.dir.text("device/subsysnqn") != "" {
		i.ID.Keys = append(i.ID.Keys, fmt.Sprintf("%s namespace %d", i.Controller, nsid)) // over whichever controller
	}
	if i.Serial == "" && i.WWN == "" {
		d.makeSerial()
	}
	i.ID.Serial = i.Serial
}

const usbDescriptor = "USB descriptor: of the stick, or of the bridge before the drive"

// usbSerial is what the USB device calls itself that the drive is, or is behind.
func (d *device) usbSerial() string {
	if d.info.Transport != "usb" {
		return ""
	}
	real, err := filepath.EvalSymlinks(string(d.dir))
	if err != nil {
		return ""
	}
	for at := filepath.Dir(real); strings.Contains(at, "/usb"); at = filepath.Dir(at) {
		if dir(at).has("idVendor") {
			return dir(at).text("serial")
		}
	}
	return ""
}

// makeSerial names a drive that has no serial of its own: a loop device by the file behind it, which outlives the loop
// device; anything else by what it is until it is unplugged.
func (d *device) makeSerial() {
	i := &d.info
	of, kind := fmt.Sprintf("%s %s %d", i.ID.Boot, i.Name, i.ID.DiskSeq), "dev"
	i.SerialSource = "made by this station, good until the drive is unplugged or the station boots"
	if i.Transport == "loop" {
		backing := d.dir.text("loop/backing_file")
		of, kind = fmt.Sprintf("loop %s %s", backing, d.dir.text("loop/offset")), "loop"
		i.SerialSource = "made by this station from the backing file"
		if at, err := inuse.Of(backing); err == nil {
			of += fmt.Sprintf(" %d:%d", at.Device, at.Inode)
			i.ID.Keys = append(i.ID.Keys, fmt.Sprintf("file %d:%d", at.Device, at.Inode))
		}
	}
	sum := sha256.Sum256([]byte(of))
	i.Serial = fmt.Sprintf("~%s-%x", kind, sum[:5])
}

// uses gathers what uses the drive or any of its partitions.
func (d *device) uses(used *inuse.Snapshot) {
	i := &d.info
	if at, err := inuse.Of(d.dir.text("loop/backing_file")); err == nil { // the same bytes under another name
		for _, u := range used.Backing(at, d.name()) {
			i.Uses = append(i.Uses, drive.Use{What: "its backing file: " + u.What, Hint: u.Hint})
		}
	}
	for n, part := range append([]dir{d.dir}, d.dir.partitions()...) {
		name := ""
		if n > 0 {
			name = filepath.Base(string(part)) + ": "
			i.Partitions = append(i.Partitions, filepath.Base(string(part)))
		}
		if rdev, ok := part.rdev(); ok {
			for _, u := range used.Device(rdev) {
				i.Uses = append(i.Uses, drive.Use{What: name + u.What, Hint: u.Hint})
			}
		}
		for _, holder := range part.holders() {
			i.Uses = append(i.Uses, drive.Use{What: name + "part of " + holder, Hint: "stop or remove " + holder})
		}
		if part.has("bcache") {
			i.Uses = append(i.Uses, drive.Use{What: name + "part of bcache", Hint: "unregister it from bcache"})
		}
	}
}
