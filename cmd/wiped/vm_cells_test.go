package main

// cell is one line of docs/drives.md: a drive, what it was told, and what wiped made of it.
type cell struct {
	kind    string // what drive it is, for people
	drive   string // for the simulator: the line without serial; empty: a drive of qemu's
	serial  string // of a drive of qemu's; what the simulator calls its own, and the serial of most of these
	shown   string // what confirms it must look like this, where that is not serial
	flags   string // of erase
	says    string // in the last status line, or in the refusal
	outcome string // in the table
	swapped string // the serial of the drive that is put in its place, without the kernel's notice
	before  string // a command that is run first, with SERIAL for its serial
	spaces  int    // so many of its namespaces, the first ones, are named, by the kernel's names; 0: it is named by its serial
	gone    bool   // that nothing of the old content is on the medium afterwards
	stays   bool   // that all of it is: what the lie is about
}

// What a cell can come to.
const (
	isErased   = "erased"
	isRefused  = "refused"
	lieCaught  = "lie caught"
	isReported = "failure reported"
	isUnknown  = "unknown, said so"
	isSurvived = "power loss survived"
)

// exits is the exit code of erase --wait for each outcome.
var exits = map[string]int{isErased: 0, isRefused: 3, lieCaught: 1, isReported: 1, isUnknown: 1, isSurvived: 0}

const still = `FAILED: the drive said that it erased itself, and \d+ bytes of what was there before are still found`

// scsiDrives are drives of drivesim behind the kernel's SCSI disk driver.
var scsiDrives = []cell{
	{kind: "SCSI", drive: "scsi size=512K sanitize=block,crypto,overwrite took=2s", flags: "", says: `erased: purge, sanitize-block, verified sample`, outcome: isErased, gone: true},
	{kind: "SCSI", drive: "scsi size=512K sanitize=overwrite took=2s rpm=7200", flags: "--method sanitize-overwrite --verify full", says: `erased: purge, sanitize-overwrite, verified full`, outcome: isErased, gone: true},
	{kind: "SCSI", drive: "scsi size=512K sanitize=crypto took=1s leaves=noise", flags: "--method sanitize-crypto --verify full", says: `erased: purge, sanitize-crypto, verified full`, outcome: isErased, gone: true},
	{kind: "SCSI, blank", drive: "scsi size=4M sanitize=block took=2s blank", flags: "--level purge", says: `erased: purge, sanitize-block`, outcome: isErased, gone: true},
	{kind: "SCSI, vendor pattern", drive: "scsi size=512K sanitize=block took=2s leaves=vendor", flags: "", says: `erased: purge, sanitize-block`, outcome: isErased, gone: true},
	{kind: "SCSI, ends at once", drive: "scsi size=512K sanitize=crypto", flags: "", says: `erased: purge, sanitize-crypto`, outcome: isErased, gone: true},
	{kind: "SCSI, descriptor sense", drive: "scsi size=512K sanitize=block took=2s descriptor-sense", flags: "", says: `erased: purge, sanitize-block`, outcome: isErased, gone: true},
	{kind: "SCSI", drive: "scsi size=4M took=2s", flags: "--method format-unit", says: `erased: clear, format-unit, verified full`, outcome: isErased, gone: true},
	{kind: "SCSI, another drive in its place, which the system has not noticed", drive: "scsi size=512K sanitize=block", swapped: "OTHER1", flags: "--method zero", says: `it is another drive: its serial was SCSI\d+ and is OTHER1`, outcome: isRefused, stays: true},
	{kind: "SCSI without sanitize", drive: "scsi size=512K", flags: "--level purge", says: `can only be cleared`, outcome: isRefused, stays: true},
	{kind: "SCSI without sanitize", drive: "scsi size=512K", flags: "", says: `erased: clear, random, verified full`, outcome: isErased, gone: true},
	{kind: "SCSI that does not list its commands", drive: "scsi size=512K sanitize=block no-rsoc", flags: "--method sanitize-block", says: `it does not say which commands it has`, outcome: isRefused, stays: true},
	{kind: "SCSI, keeps everything", drive: "scsi size=4M sanitize=block took=1s lie", flags: "", says: still, outcome: lieCaught, stays: true},
	{kind: "SCSI, keeps everything, blank", drive: "scsi size=512K sanitize=block lie blank", flags: "", says: still, outcome: lieCaught},
	{kind: "SCSI, keeps one half", drive: "scsi size=512K sanitize=crypto took=1s lie-half", flags: "", says: still, outcome: lieCaught},
	{kind: "SCSI, keeps everything", drive: "scsi size=512K took=1s lie", flags: "--method format-unit", says: still, outcome: lieCaught, stays: true},
	{kind: "SCSI, forgets and keeps everything", drive: "scsi size=4M sanitize=block took=1s forget", flags: "", says: still, outcome: lieCaught, stays: true},
	{kind: "SCSI, speaks of another command", drive: "scsi size=512K sanitize=block took=90s other", flags: "", says: `UNKNOWN: the drive knows nothing of the erase \(sense 2/04/04\)`, outcome: isUnknown, stays: true},
	{kind: "SCSI, speaks of another command, then is ready, and keeps everything", drive: "scsi size=512K sanitize=block took=1s other", flags: "", says: still, outcome: lieCaught, stays: true},
	{kind: "SCSI, says that it ended while it still erases itself", drive: "scsi size=512K sanitize=block took=40s forget=erased", flags: "", says: still, outcome: lieCaught},
	{kind: "SCSI, speaks of another command, then is ready, and erased all the same", drive: "scsi size=512K sanitize=block took=1s other=erased", flags: "", says: `erased: purge, sanitize-block`, outcome: isErased, gone: true},
	{kind: "SCSI, sanitize fails", drive: "scsi size=512K sanitize=block took=2s fail", flags: "", says: `FAILED: the drive says that its erase failed`, outcome: isReported},
	{kind: "SCSI, sanitize fails at 50 %", drive: "scsi size=512K sanitize=block took=4s fail-at=50", flags: "", says: `FAILED: the drive says that its erase failed`, outcome: isReported},
	{kind: "SCSI behind an HBA that swallows sense data", drive: "scsi size=512K sanitize=block took=2s drop-status=sense", flags: "", says: `erased: purge, sanitize-block`, outcome: isErased, gone: true},
	{kind: "SCSI, refuses", drive: "scsi size=512K sanitize=block refuse", flags: "", says: `FAILED: the drive refused`, outcome: isReported, stays: true},
	{kind: "SCSI, power lost at 50 %", drive: "scsi size=4M sanitize=block took=4s power-loss=50", flags: "", says: `erased: purge, sanitize-block`, outcome: isSurvived, gone: true},
	{kind: "SCSI, power lost at 50 % of a format", drive: "scsi size=4M took=4s power-loss=50", flags: "--method format-unit", says: `FAILED: the drive says that its erase failed \(sense 3/31/00\)`, outcome: isReported},
	{kind: "SCSI, gone at 50 %", drive: "scsi size=512K sanitize=block took=4s vanish=50", flags: "", says: `FAILED: (while the drive erased itself: )?the drive is gone`, outcome: isReported},
	{kind: "SCSI, bad sectors", drive: "scsi size=4M bad=100,5000", flags: "--method random", says: `FAILED: 1024 bytes could not be written`, outcome: isReported},
	{kind: "SCSI, bad sectors", drive: "scsi size=4M sanitize=block took=1s bad=0", flags: "", says: `FAILED: 512 bytes could not be read afterwards`, outcome: isReported},
	{kind: "SCSI, write protected", drive: "scsi size=512K sanitize=block read-only", flags: "", says: `read-only`, outcome: isRefused, stays: true},
	{kind: "SCSI, its pages of data end half way, confirmed by the serial that wiped made for it", drive: "scsi size=512K vpd-truncated", shown: `^~dev-[0-9a-f]{10}$`, flags: "--method zero", says: `erased: clear, zero`, outcome: isErased, gone: true},
	{kind: "SCSI without a serial, confirmed by its WWN", drive: "scsi size=512K serial=", shown: `^0x5d517[0-9a-f]{11}$`, flags: "--method zero", says: `erased: clear, zero`, outcome: isErased, gone: true},
	{kind: "SCSI without serial and WWN, confirmed by the serial that wiped made for it", drive: "scsi size=512K serial= wwn=none", shown: `^~dev-[0-9a-f]{10}$`, flags: "--method zero", says: `erased: clear, zero`, outcome: isErased, gone: true},
	{kind: "SCSI, the serial of another one, no WWN", drive: "scsi size=512K serial=ALIKE wwn=none", shown: `^$`, flags: "--method zero", says: `nothing names it for certain`, outcome: isRefused, stays: true},
	{kind: "SCSI, the other one", drive: "scsi size=512K serial=ALIKE wwn=none", shown: `^$`, flags: "--method zero", says: `nothing names it for certain`, outcome: isRefused, stays: true},
	{kind: "SCSI, sectors of 520 bytes", drive: "scsi size=512K sector=520 sanitize=block", flags: "--method random", says: `its sectors have 520 bytes`, outcome: isRefused, stays: true},
	{kind: "SCSI, sectors of 520 bytes, brought to 512", drive: "scsi size=512K sector=520 sanitize=block took=2s", before: "format SERIAL --sector-size 512 --confirm SERIAL", flags: "--method random", says: `erased: clear, random, verified full`, outcome: isErased, gone: true},
	{kind: "host-managed zones (null_blk)", drive: "zoned size=32 zone_size=4 blocksize=4096", flags: "--method random", says: `erased: clear, random, verified full`, outcome: isErased},
	{kind: "host-managed zones, the first two conventional (null_blk)", drive: "zoned size=32 zone_size=4 zone_nr_conv=2 blocksize=4096", flags: "--method dod-3", says: `erased: clear, dod-3, verified full`, outcome: isErased},
}

// ataDrives are drives of drivesim behind a translation of SCSI to ATA.
var ataDrives = []cell{
	{kind: "ATA", drive: "ata size=4M sanitize=block,crypto,overwrite took=2s", flags: "", says: `erased: purge, sanitize-block`, outcome: isErased, gone: true},
	{kind: "ATA, another drive in its place, which the system has not noticed", drive: "ata size=512K sanitize=crypto", swapped: "OTHER1", flags: "--method zero", says: `it is another drive: its serial was ATA\d+ and is OTHER1`, outcome: isRefused, stays: true},
	{kind: "ATA, a hard disk", drive: "ata size=512K sanitize=overwrite took=2s rpm=7200", flags: "--method sanitize-overwrite", says: `erased: purge, sanitize-overwrite`, outcome: isErased, gone: true},
	{kind: "ATA, solid state", drive: "ata size=512K sanitize=overwrite took=2s", flags: "--method sanitize-overwrite", says: `erased: clear, sanitize-overwrite`, outcome: isErased, gone: true},
	{kind: "ATA, solid state, with two ways", drive: "ata size=512K sanitize=overwrite,crypto took=2s", flags: "", says: `erased: purge, sanitize-crypto`, outcome: isErased, gone: true},
	{kind: "ATA", drive: "ata size=512K sanitize=crypto took=1s leaves=noise", flags: "--method sanitize-crypto", says: `erased: purge, sanitize-crypto`, outcome: isErased, gone: true},
	{kind: "ATA", drive: "ata size=512K security took=2s", flags: "--method security-erase-enhanced", says: `erased: clear, security-erase-enhanced`, outcome: isErased, gone: true},
	{kind: "ATA", drive: "ata size=4M security took=2s", flags: "--method security-erase --verify full", says: `erased: clear, security-erase, verified full`, outcome: isErased, gone: true},
	{kind: "ATA, blank", drive: "ata size=512K security=normal took=1s blank", flags: "--method security-erase", says: `erased: clear, security-erase`, outcome: isErased, gone: true},
	{kind: "ATA, frozen by the BIOS", drive: "ata size=512K security frozen", flags: "--method security-erase", says: `frozen by the BIOS.*suspend`, outcome: isRefused, stays: true},
	{kind: "ATA, locked with another's password", drive: "ata size=512K security locked=foreign", flags: "--method security-erase", says: `FAILED: .*password that is not wiped's`, outcome: isReported},
	{kind: "ATA, locked with wiped's password", drive: "ata size=4M security locked=wiped took=1s", flags: "--method security-erase --verify full", says: `erased: clear, security-erase, verified full`, outcome: isErased, gone: true},
	{kind: "ATA, locked with wiped's password, keeps everything", drive: "ata size=512K security locked=wiped took=1s lie", flags: "--method security-erase", says: still, outcome: lieCaught},
	{kind: "ATA, locked with another's password", drive: "ata size=512K security locked=foreign", flags: "--method random", says: `it is locked with a password, and takes neither reads nor writes. Next: .*hdparm`, outcome: isRefused},
	{kind: "ATA, no tries left", drive: "ata size=512K security locked=foreign attempts=0", flags: "--method security-erase", says: `cannot do security-erase`, outcome: isRefused},
	{kind: "ATA, sanitize frozen", drive: "ata size=512K sanitize=block sanitize-frozen", flags: "--method sanitize-block", says: `frozen`, outcome: isRefused, stays: true},
	{kind: "ATA, HPA", drive: "ata size=4M hpa=1M", flags: "--method zero", says: `it has a hidden area, which erasing would not reach: HPA of 1048576 bytes`, outcome: isRefused, stays: true},
	{kind: "ATA, HPA, --unhide", drive: "ata size=4M hpa=1M", flags: "--method zero --unhide", says: `erased: clear, zero`, outcome: isErased, gone: true},
	{kind: "ATA, HPA, --keep-hidden", drive: "ata size=4M hpa=1M", flags: "--method zero --keep-hidden", says: `erased: clear, zero.*HPA of 1048576 bytes, left as it is, NOT erased`, outcome: isErased},
	{kind: "ATA, HPA frozen, --unhide", drive: "ata size=4M hpa=1M freeze-hpa", flags: "--method zero --unhide", says: `hidden area`, outcome: isRefused},
	{kind: "ATA, AMA, --unhide", drive: "ata size=4M ama=1M", flags: "--method zero --unhide", says: `erased: clear, zero`, outcome: isErased, gone: true},
	{kind: "ATA, DCO", drive: "ata size=4M dco=1M", flags: "--method zero", says: `it has a hidden area, which erasing would not reach: DCO of 1048576 bytes`, outcome: isRefused, stays: true},
	{kind: "ATA, DCO, --unhide", drive: "ata size=4M dco=1M", flags: "--method zero --unhide", says: `erased: clear, zero`, outcome: isErased, gone: true},
	{kind: "ATA, DCO frozen", drive: "ata size=4M dco=1M freeze-dco", flags: "--method zero", says: `it may have a hidden area, which erasing would not reach: hidden areas not known: DCO: .*may be frozen`, outcome: isRefused, stays: true},
	{kind: "ATA, DCO frozen, --keep-hidden", drive: "ata size=4M dco=1M freeze-dco", flags: "--method zero --keep-hidden", says: `erased: clear, zero.*hidden areas not known: DCO: .*left as it is, NOT erased`, outcome: isErased},
	{kind: "ATA, HPA behind an HBA that swallows sense data", drive: "ata size=4M hpa=1M drop-status=sense", flags: "--method zero", says: `it may have a hidden area, which erasing would not reach: hidden areas not known: HPA: `, outcome: isRefused, stays: true},
	{kind: "ATA, keeps everything", drive: "ata size=512K sanitize=block took=1s lie", flags: "", says: still, outcome: lieCaught, stays: true},
	{kind: "ATA, keeps everything", drive: "ata size=4M security took=1s lie", flags: "--method security-erase-enhanced", says: still, outcome: lieCaught, stays: true},
	{kind: "ATA, keeps one half", drive: "ata size=512K security took=1s lie-half", flags: "--method security-erase", says: still, outcome: lieCaught},
	{kind: "ATA, forgets and keeps everything", drive: "ata size=512K sanitize=block took=1s forget", flags: "", says: `UNKNOWN: the drive knows nothing of the erase`, outcome: isUnknown, stays: true},
	{kind: "ATA, claims an older success", drive: "ata size=512K sanitize=block took=1s other", flags: "", says: still, outcome: lieCaught, stays: true},
	{kind: "ATA, forgets, and erases all the same", drive: "ata size=512K sanitize=block took=1s forget=erased", flags: "", says: `UNKNOWN: the drive knows nothing of the erase`, outcome: isUnknown, gone: true},
	{kind: "ATA, claims an older success while it still erases itself", drive: "ata size=512K sanitize=block took=40s other=erased", flags: "", says: still, outcome: lieCaught},
	{kind: "ATA, sanitize fails", drive: "ata size=4M sanitize=block took=2s fail", flags: "", says: `FAILED: the drive says that its erase failed`, outcome: isReported},
	{kind: "ATA, sanitize fails at 50 %", drive: "ata size=512K sanitize=block took=4s fail-at=50", flags: "", says: `FAILED: the drive says that its erase failed`, outcome: isReported},
	{kind: "ATA, refuses", drive: "ata size=512K sanitize=block refuse", flags: "", says: `FAILED: the drive refused`, outcome: isReported, stays: true},
	{kind: "ATA, security erase fails", drive: "ata size=512K security took=1s fail", flags: "--method security-erase", says: `FAILED: the drive refused: it did not take SECURITY ERASE UNIT`, outcome: isReported},
	{kind: "ATA, power lost at 50 %", drive: "ata size=512K sanitize=block took=4s power-loss=50", flags: "", says: `erased: purge, sanitize-block`, outcome: isSurvived, gone: true},
	{kind: "ATA, power lost at 50 % of a security erase", drive: "ata size=4M security took=4s power-loss=50", flags: "--method security-erase", says: `FAILED: the drive says that its erase failed \(IDENTIFY word 128: 0027h, password set, locked`, outcome: isReported},
	{kind: "ATA, gone at 50 %", drive: "ata size=512K sanitize=block took=4s vanish=50", flags: "", says: `FAILED: (while the drive erased itself: )?the drive is gone`, outcome: isReported},
	{kind: "ATA behind an HBA that swallows sense data", drive: "ata size=512K sanitize=block took=2s drop-status=sense", flags: "--keep-hidden", says: `UNKNOWN: .*hidden areas not known: HPA: `, outcome: isUnknown},
	{kind: "ATA behind an HBA that swallows the status", drive: "ata size=4M sanitize=block took=2s drop-status=count", flags: "", says: `UNKNOWN: the drive knows nothing of the erase \(SANITIZE STATUS EXT: count 0000h`, outcome: isUnknown},
	{kind: "ATA behind an HBA with fixed sense data", drive: "ata size=512K sanitize=block took=2s fixed-sense", flags: "", says: `UNKNOWN: the drive knows nothing of the erase \(SANITIZE STATUS EXT: count\(15:8\) was lost`, outcome: isUnknown},
	{kind: "ATA, model of control characters", drive: "ata size=512K model=hex:1b5b324a41", flags: "--method zero", says: `erased: clear, zero`, outcome: isErased, gone: true},
	{kind: "ATA, serial of control characters, which are confirmed as they are shown", drive: "ata size=512K serial=hex:1b5b324a41", shown: `^\\x1b\[2JA$`, flags: "--method zero", says: `erased: clear, zero`, outcome: isErased, gone: true},
	{kind: "ATA, its pages of data end half way, confirmed by the serial that wiped made for it", drive: "ata size=512K vpd-truncated", shown: `^~dev-[0-9a-f]{10}$`, flags: "--method zero", says: `erased: clear, zero`, outcome: isErased, gone: true},
}

// overTCP are drives of drivesim behind the kernel's NVMe driver.
var overTCP = []cell{
	{kind: "NVMe", drive: "nvme size=512K took=2s est=2", flags: "", says: `erased: purge, sanitize-block`, outcome: isErased, gone: true},
	{kind: "NVMe", drive: "nvme size=4M took=2s sanitize=overwrite", flags: "--method sanitize-overwrite --verify full", says: `erased: purge, sanitize-overwrite, verified full`, outcome: isErased, gone: true},
	{kind: "NVMe", drive: "nvme size=512K took=1s sanitize=crypto after=random", flags: "--method sanitize-crypto", says: `erased: purge, sanitize-crypto`, outcome: isErased, gone: true},
	{kind: "NVMe", drive: "nvme size=512K took=1s", flags: "--method format-crypto", says: `erased: clear, format-crypto`, outcome: isErased, gone: true},
	{kind: "NVMe, sectors of 4096 bytes", drive: "nvme size=512K took=1s sector=4096", flags: "--method format-user-data", says: `erased: clear, format-user-data`, outcome: isErased, gone: true},
	{kind: "NVMe, ends at once", drive: "nvme size=4M", flags: "", says: `erased: purge, sanitize-block`, outcome: isErased, gone: true},
	{kind: "NVMe without sanitize", drive: "nvme size=512K no-sanitize format=none", flags: "--level purge", says: `can only be cleared`, outcome: isRefused, stays: true},
	{kind: "NVMe without crypto erase", drive: "nvme size=512K format=user", flags: "--method format-crypto", says: `cannot do format-crypto`, outcome: isRefused, stays: true},
	{kind: "NVMe, two namespaces, one named", drive: "nvme size=512K,512K ns=2", spaces: 1, flags: "--method sanitize-block", says: `sanitize-block would also erase nvme\d+n2`, outcome: isRefused, stays: true},
	{kind: "NVMe, two namespaces, both named", drive: "nvme size=4M,4M ns=2 sector=512,4096 took=2s", spaces: 2, flags: "--method sanitize-block", says: `erased: purge, sanitize-block`, outcome: isErased, gone: true},
	{kind: "NVMe, two namespaces, both named, that of 4096 bytes first", drive: "nvme size=4M,4M ns=2 sector=4096,512 took=2s", spaces: 2, flags: "--method sanitize-block", says: `erased: purge, sanitize-block`, outcome: isErased, gone: true},
	{kind: "NVMe, two namespaces, one named", drive: "nvme size=512K,512K ns=2 took=1s", spaces: 1, flags: "--method format-user-data", says: `erased: clear, format-user-data`, outcome: isErased, gone: true},
	{kind: "NVMe, two namespaces, Format erases both", drive: "nvme size=512K,512K ns=2 fna=3", spaces: 1, flags: "--method format-user-data", says: `format-user-data would also erase nvme\d+n2`, outcome: isRefused, stays: true},
	{kind: "NVMe, two namespaces, the other one mounted", drive: "nvme size=4M,16M ns=2 file=/etc/simulated", spaces: 2, flags: "--method sanitize-block", says: `in use: mounted on`, outcome: isRefused, stays: true},
	{kind: "NVMe, a detached namespace", drive: "nvme size=512K,512K ns=2 detached=2 oacs=a", spaces: 1, flags: "--method sanitize-block", says: `would also erase namespace 2`, outcome: isRefused, stays: true},
	{kind: "NVMe that does not list its namespaces", drive: "nvme size=4M,4M ns=2 nons-list", spaces: 1, flags: "--method sanitize-block", says: `cannot do sanitize-block`, outcome: isRefused, stays: true},
	{kind: "NVMe, keeps everything", drive: "nvme size=512K took=1s lie", flags: "", says: still, outcome: lieCaught, stays: true},
	{kind: "NVMe, keeps one half", drive: "nvme size=512K took=1s lie-half", flags: "", says: still, outcome: lieCaught},
	{kind: "NVMe, keeps everything, blank", drive: "nvme size=512K lie blank", flags: "", says: still, outcome: lieCaught},
	{kind: "NVMe, Format keeps everything", drive: "nvme size=4M took=1s format-lie", flags: "--method format-crypto", says: still, outcome: lieCaught, stays: true},
	{kind: "NVMe, acknowledges and ignores, log of an older success", drive: "nvme size=512K stale", flags: "", says: still, outcome: lieCaught, stays: true},
	{kind: "NVMe, acknowledges and forgets", drive: "nvme size=512K took=1s forget", flags: "", says: `UNKNOWN: the drive knows nothing of the erase`, outcome: isUnknown},
	{kind: "NVMe, speaks of another command", drive: "nvme size=512K took=1s other", flags: "", says: `UNKNOWN: the drive speaks of the success of another command`, outcome: isUnknown},
	{kind: "NVMe, forgets, and erases all the same", drive: "nvme size=512K took=1s forget=erased", flags: "", says: `UNKNOWN: the drive knows nothing of the erase`, outcome: isUnknown, gone: true},
	{kind: "NVMe, speaks of another command, and erases all the same", drive: "nvme size=512K took=1s other=erased", flags: "", says: `UNKNOWN: the drive speaks of the success of another command`, outcome: isUnknown, gone: true},
	{kind: "NVMe, sanitize fails", drive: "nvme size=4M took=2s fail", flags: "", says: `FAILED: the drive says that its erase failed`, outcome: isReported},
	{kind: "NVMe, refuses", drive: "nvme size=512K refuse", flags: "", says: `FAILED: the drive refused`, outcome: isReported},
	{kind: "NVMe, power lost at 50 %", drive: "nvme size=512K took=6s power-loss=50 dark=1s", flags: "", says: `erased: purge, sanitize-block`, outcome: isSurvived, gone: true},
	{kind: "NVMe, power lost at 50 % of a format", drive: "nvme size=512K format-took=6s power-loss=50 dark=1s", flags: "--method format-user-data", says: `UNKNOWN: the drive knows nothing of the erase \(Format NVM leaves no status`, outcome: isUnknown},
	{kind: "NVMe, gone at 50 %", drive: "nvme size=512K took=4s vanish=50", flags: "", says: `FAILED: (while the drive erased itself: )?the drive is gone`, outcome: isReported},
	{kind: "NVMe, bad sectors", drive: "nvme size=4M bad=100,5000", flags: "--method random", says: `FAILED: \d+ bytes could not be written`, outcome: isReported},
	{kind: "NVMe, write protected", drive: "nvme size=512K read-only", flags: "--method zero", says: `read-only`, outcome: isRefused, stays: true},
}

// qemus are drives that qemu emulates.
var qemus = []cell{
	{kind: "qemu NVMe", serial: "LABNVME0", flags: "--method format-user-data", says: `erased: clear, format-user-data`, outcome: isErased, gone: true},
	{kind: "qemu NVMe, sectors of 4096 bytes", serial: "LABNVME1", flags: "--method format-user-data --verify full", says: `erased: clear, format-user-data, verified full`, outcome: isErased, gone: true},
	{kind: "qemu NVMe, which takes SES 2 and does not announce it", serial: "LABNVME2", flags: "--method format-crypto", says: `cannot do format-crypto: its Format NVM command has no cryptographic erase`, outcome: isRefused, stays: true},
	{kind: "qemu SCSI disk, whose FORMAT UNIT says GOOD and does nothing", serial: "LABSCSI0", flags: "--method format-unit", says: still, outcome: lieCaught, stays: true},
	{kind: "qemu SCSI disk", serial: "LABSCSI1", flags: "--method sanitize-block", says: `cannot do sanitize-block`, outcome: isRefused, stays: true},
	{kind: "qemu SATA disk", serial: "LABATA0", flags: "--method security-erase", says: `cannot do security-erase: the drive does not have it`, outcome: isRefused, stays: true},
}
