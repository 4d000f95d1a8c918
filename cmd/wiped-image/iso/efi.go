package iso

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// signed are the boot loaders that Secure Boot accepts: Microsoft signs the shim, Debian's key in the shim vouches for the
// others. Their names are those that firmware and shim look for.
var signed = map[string]string{
	"EFI/BOOT/BOOTX64.EFI": "usr/lib/shim/shimx64.efi.signed",
	"EFI/BOOT/grubx64.efi": "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
	"EFI/BOOT/mmx64.efi":   "usr/lib/shim/mmx64.efi.signed",
}

// efi lays out the UEFI boot loaders twice: in a FAT image, which firmware boots, and in the tree, where GRUB finds its
// first configuration when it was started from a CD, and from where the files can be copied to a FAT stick.
func (b *builder) efi() error {
	files := map[string][]byte{"EFI/debian/grub.cfg": b.find()} // the place is built into Debian's signed GRUB
	for name, path := range signed {
		file, err := b.tools.Find(path)
		if err != nil {
			return err
		}
		if files[name], err = os.ReadFile(file); err != nil {
			return err
		}
	}
	if err := b.put(files); err != nil {
		return err
	}
	return b.fat(files)
}

// fat makes the EFI system partition with a fixed serial number.
func (b *builder) fat(files map[string][]byte) error {
	size := 512 << 10
	for _, data := range files {
		size += len(data)
	}
	tree := filepath.Join(b.tree, "EFI")
	image := filepath.Join(b.tree, "boot/grub/efi.img")
	if err := b.age(); err != nil { // mcopy takes the times of the files
		return err
	}
	for _, c := range [][]string{
		{"mformat", "-i", image, "-C", "-T", strconv.Itoa((size + 511) / 512), "-h", "16", "-s", "32", "-N", "57495045", "-v", "WIPED-EFI", "::"},
		{"mcopy", "-i", image, "-s", "-m", "-Q", tree, "::/"},
	} {
		if _, err := b.tools.Run(b.When, b.work, c[0], c[1:]...); err != nil {
			return fmt.Errorf("make EFI system partition: %w", err)
		}
	}
	return nil
}
