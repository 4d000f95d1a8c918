package tcmu

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/target"
)

// Folders of the kernel.
const (
	Config  = "/sys/kernel/config"
	cores   = Config + "/target/core/user_0"
	loops   = Config + "/target/loopback"
	uios    = "/sys/class/uio"
	devices = "/sys/class/scsi_device"
)

// Unit is one drive as the kernel has it.
type Unit struct {
	name   string
	device target.Device
	server *server
	uio    *os.File
	memory []byte
	core   string // its folders in configfs
	port   string
	stop   chan struct{}
}

// Open makes a unit of a drive; name is unique. It is not plugged in yet.
func Open(name string, size int64, device target.Device) (*Unit, error) {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	u := &Unit{name: name, device: device, core: filepath.Join(cores, name), stop: make(chan struct{}),
		port: filepath.Join(loops, fmt.Sprintf("naa.5%015x", hash.Sum64()>>4), "tpgt_1")}
	if err := u.create(size); err != nil {
		u.remove()
		return nil, fmt.Errorf("make unit %s: %w", name, err)
	}
	u.server = newServer(device, u.memory, u.uio)
	go func() { _ = u.server.run() }()
	go u.tick()
	return u, nil
}

// create makes the folders, and maps the ring.
func (u *Unit) create(size int64) error {
	mark := "drivesim/" + u.name
	size = max(size&^511, 512)
	settings := fmt.Sprintf("dev_size=%d,dev_config=%s,hw_block_size=512,nl_reply_supported=-1", size, mark)
	err := steps(
		func() error { return os.MkdirAll(u.core, 0o755) },
		put(u.core+"/control", settings),
		put(u.core+"/attrib/cmd_time_out", "0"), // an erase may take as long as it takes
		put(u.core+"/enable", "1"),
		put(u.core+"/attrib/tmr_notification", "1"),
		func() error { return os.MkdirAll(u.port, 0o755) },
		put(u.port+"/nexus", strings.Replace(filepath.Base(filepath.Dir(u.port)), "naa.5", "naa.6", 1)),
		func() error { return os.MkdirAll(u.port+"/lun/lun_0", 0o755) },
	)
	if err != nil {
		return err
	}
	return u.mapRing(mark)
}

func steps(all ...func() error) error {
	for _, step := range all {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func put(path, text string) func() error {
	return func() error { return os.WriteFile(path, []byte(text), 0o644) }
}

// mapRing finds the device of the unit's ring by its name, and maps it.
func (u *Unit) mapRing(mark string) error {
	names, _ := filepath.Glob(uios + "/uio*/name")
	for _, path := range names {
		text, err := os.ReadFile(path)
		if err != nil || !strings.HasSuffix(strings.TrimSpace(string(text)), "/"+mark) {
			continue
		}
		folder := filepath.Dir(path)
		var size int
		text, err = os.ReadFile(folder + "/maps/map0/size")
		if err != nil {
			return err
		}
		if _, err := fmt.Sscanf(string(text), "0x%x", &size); err != nil {
			return fmt.Errorf("size of the ring: %w", err)
		}
		if u.uio, err = os.OpenFile("/dev/"+filepath.Base(folder), os.O_RDWR, 0); err != nil {
			return err
		}
		return u.mapMemory(size)
	}
	return errors.New("the kernel has no ring for it")
}

// mapMemory maps the ring, for as long as the program runs: answers that come late must find it. File.Fd would make reading the
// bell block a thread for good.
func (u *Unit) mapMemory(size int) error {
	raw, err := u.uio.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		u.memory, failed = unix.Mmap(int(fd), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	})
	return errors.Join(err, failed)
}

// tick lets the drive's time pass, and brings about what happens to the whole drive.
func (u *Unit) tick() {
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for {
		select {
		case <-u.stop:
			return
		case <-every.C:
		}
		switch u.device.Tick() {
		case erase.PowerLost:
			u.server.loseAll()
		case erase.Vanished:
			_ = u.Unplug()
		}
	}
}

// link is what joins the unit to the port.
func (u *Unit) link() string { return u.port + "/lun/lun_0/disk" }

// Plug makes the kernel see the drive; a drive that is plugged in stays so.
func (u *Unit) Plug() error {
	u.server.plugged(true)
	if err := os.Symlink(u.core, u.link()); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("plug %s in: %w", u.name, err)
	}
	return nil
}

// Unplug takes the drive away from the kernel, with no warning.
func (u *Unit) Unplug() error {
	u.server.plugged(false)
	if err := os.Remove(u.link()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unplug %s: %w", u.name, err)
	}
	return nil
}

// PowerCycle takes the drive's power away and gives it back.
func (u *Unit) PowerCycle() {
	u.device.PowerCycle()
	u.server.loseAll()
}

// Rescan makes the kernel look at the drive's size again.
func (u *Unit) Rescan() error {
	folder := u.folder()
	if folder == "" {
		return fmt.Errorf("rescan %s: it is not plugged in", u.name)
	}
	return os.WriteFile(folder+"/rescan", []byte("1"), 0o200)
}

// folder is that of the SCSI device in sysfs; empty: there is none.
func (u *Unit) folder() string {
	address, err := os.ReadFile(u.port + "/address")
	if err != nil {
		return ""
	}
	found, _ := filepath.Glob(fmt.Sprintf("%s/%s:0/device", devices, strings.TrimSpace(string(address))))
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// Node is the kernel's name of the drive, sdb; empty: it has none.
func (u *Unit) Node() string {
	if folder := u.folder(); folder != "" {
		if found, _ := filepath.Glob(folder + "/block/*"); len(found) > 0 {
			return filepath.Base(found[0])
		}
	}
	return ""
}

// Close takes the unit away.
func (u *Unit) Close() error {
	err := u.Unplug()
	close(u.stop)
	u.remove()
	return err
}

// remove takes away what create made, as far as it is there.
func (u *Unit) remove() {
	if u.uio != nil {
		u.uio.Close()
	}
	_ = os.WriteFile(u.port+"/nexus", []byte("NULL"), 0o644)
	for _, folder := range []string{u.port + "/lun/lun_0", u.port, filepath.Dir(u.port), u.core} {
		_ = os.Remove(folder)
	}
}
