package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// kernelArgs are given at every boot. libata.allow_tpm lets the commands of self-encrypting drives through; 6.1 does not
// know bdev_allow_write_mounted, newer ones then refuse writes to mounted drives.
const kernelArgs = "libata.allow_tpm=1 bdev_allow_write_mounted=0 panic=30"

// demands are what the image builds on; a kernel without one would boot to nothing.
var demands = []struct{ option, why string }{
	{"CONFIG_RD_ZSTD=y", "it cannot unpack the initramfs"},
	{"CONFIG_MODULE_COMPRESS_NONE=y", "its modules are compressed, which this program cannot read"},
	{"CONFIG_DEVTMPFS=y", "there would be no device files"},
	{"CONFIG_PACKET=y", "there would be no DHCP"},
}

// kernel checks the kernel's configuration and copies it.
func (b *build) kernel() (err error) {
	if b.version, err = b.kernelVersion(); err != nil {
		return err
	}
	config, err := b.boot("config-")
	if err != nil {
		return err
	}
	for _, d := range demands {
		if !strings.Contains(string(config), "\n"+d.option+"\n") {
			return fmt.Errorf("check kernel %s: it is built without %s: %s. Next: build with the kernel of Debian 12", b.version, d.option, d.why)
		}
	}
	vmlinuz, err := b.boot("vmlinuz-")
	if err != nil {
		return err
	}
	if err := replace(b.at("vmlinuz"), vmlinuz, 0o644); err != nil {
		return err
	}
	if b.vmlinux {
		return b.unpackKernel(vmlinuz)
	}
	return nil
}

func (b *build) boot(prefix string) ([]byte, error) {
	file, err := b.packages.Find(filepath.Join("boot", prefix+b.version))
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// unpackKernel writes the ELF file that is packed in a vmlinuz.
func (b *build) unpackKernel(vmlinuz []byte) error {
	packed, err := payload(vmlinuz)
	if err != nil {
		return fmt.Errorf("unpack kernel: %w", err)
	}
	file := b.at("vmlinux.xz.part")
	if err := os.WriteFile(file, packed, 0o644); err != nil {
		return fmt.Errorf("unpack kernel: %w", err)
	}
	defer os.Remove(file)
	out, err := b.packages.Run(b.when, b.out, "xz", "-dc", "--single-stream", "-F", "xz", file)
	if err != nil {
		return fmt.Errorf("unpack kernel: %w", err)
	}
	return replace(b.at("vmlinux"), []byte(out), 0o644)
}

// payload finds the packed kernel by the header of Linux's x86 boot protocol: sectors of set-up code, offset, length.
func payload(b []byte) ([]byte, error) {
	if len(b) < 0x250 || string(b[0x202:0x206]) != "HdrS" {
		return nil, errors.New("it has no boot header")
	}
	sectors := uint64(b[0x1f1])
	if sectors == 0 {
		sectors = 4
	}
	from := (sectors+1)*512 + uint64(binary.LittleEndian.Uint32(b[0x248:]))
	to := from + uint64(binary.LittleEndian.Uint32(b[0x24c:]))
	if to > uint64(len(b)) {
		return nil, errors.New("it is cut short")
	}
	return b[from:to], nil
}
