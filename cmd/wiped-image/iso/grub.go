package iso

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// entries are GRUB's menu. The last console= is where the kernel puts /dev/console: the screen.
var entries = []struct{ title, args string }{
	{"wiped", "quiet console=ttyS0,115200n8 console=tty0"},
	{"wiped, with the kernel's messages", "loglevel=7 console=ttyS0,115200n8 console=tty0"},
	{"wiped, console on the serial port", "quiet console=tty0 console=ttyS0,115200n8"},
	{"wiped, plain graphics", "quiet nomodeset console=ttyS0,115200n8 console=tty0"},
}

// menu is GRUB's configuration, the same for BIOS and UEFI. /config.zst beside it is a second initramfs, for those who
// add one to the ISO or copy its files to a FAT stick. Firmware for UEFI shows itself on the serial port, where it has one.
func (b *builder) menu() []byte {
	var s strings.Builder
	s.WriteString(`set default=0
set timeout=3
if [ "$grub_platform" = pc ]; then
	if serial --unit=0 --speed=115200; then
		terminal_input console serial
		terminal_output console serial
	fi
fi
set config=
if [ -e /config.zst ]; then set config=/config.zst; fi
`)
	for _, e := range entries {
		fmt.Fprintf(&s, "menuentry %q {\n\tlinux /boot/vmlinuz %s %s\n\tinitrd /boot/initramfs.zst $config\n}\n", e.title, b.Args, e.args)
	}
	return []byte(s.String())
}

// find is the configuration that leads GRUB to the menu, on whatever drive the ISO is.
func (b *builder) find() []byte {
	return fmt.Appendf(nil, "search --no-floppy --set=root --file %s\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n", b.mark)
}

// modules are all that GRUB for BIOS needs, built into its image: nothing is loaded from the drive.
var modules = strings.Fields(`biosdisk iso9660 fat part_gpt part_msdos search search_fs_file configfile normal linux
	echo test ls serial terminal all_video gfxterm vbe reboot halt`)

const pcDir = "usr/lib/grub/i386-pc"

// bios makes the boot image that both the CD's boot catalogue and the stick's boot sector start.
func (b *builder) bios() error {
	kernel, err := b.tools.Find(filepath.Join(pcDir, "kernel.img"))
	if err != nil {
		return err
	}
	early := filepath.Join(b.work, "early.cfg")
	if err := os.WriteFile(early, b.find(), 0o644); err != nil {
		return err
	}
	image := filepath.Join(b.tree, "boot/grub/eltorito.img")
	args := append([]string{"-O", "i386-pc-eltorito", "-d", filepath.Dir(kernel), "-p", "/boot/grub", "-c", early, "-o", image}, modules...)
	_, err = b.tools.Run(b.When, b.work, "grub-mkimage", args...)
	return err
}
