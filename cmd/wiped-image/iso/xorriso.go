package iso

import (
	"path/filepath"
)

// label is the volume's name: not WIPED, which is what a volume with the configuration is called.
const label = "WIPED-ISO"

// xorriso writes the ISO: El Torito entries for CDs, a boot sector and a GPT for sticks. Old BIOSes boot only a stick with
// an active partition, which a GPT's protective table must not have; --mbr-force-bootable adds an empty one.
func (b *builder) xorriso(out string) error {
	sector, err := b.tools.Find(filepath.Join(pcDir, "boot_hybrid.img"))
	if err != nil {
		return err
	}
	date := b.When.UTC().Format("20060102150405") + "00"
	args := []string{"-no_rc", "-report_about", "WARNING", "-as", "mkisofs", "-r", "-J", "-joliet-long", "-V", label,
		"--modification-date=" + date, "--gpt_disk_guid", "modification-date", "--set_all_file_dates", date,
		"-b", "boot/grub/eltorito.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info",
		"--grub2-mbr", sector, "--mbr-force-bootable", "--protective-msdos-label",
		"--efi-boot", "boot/grub/efi.img", "-efi-boot-part", "--efi-boot-image",
		"--sort-weight", "0", "/", "--sort-weight", "1", "/boot/grub",
		"-o", out, b.tree}
	_, err = b.tools.Run(b.When, b.work, "xorriso", args...)
	return err
}
