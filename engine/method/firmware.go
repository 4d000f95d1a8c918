package method

import "wiped/engine/drive"

// What drives do to themselves. The level is the lower one where NIST SP 800-88 (r1 appendix A, r2 leaves the techniques
// to others) and IEEE 2883-2022 differ, or where it depends on the medium.
const (
	purge = "NIST SP 800-88r2 purge, technique per IEEE 2883-2022"

	provesChanged = "the drive accepted the command of this job, said that it ended well, and none of what was read in samples " +
		"before is found afterwards; "
	spareToo  = "by the standard it reaches spare and reallocated areas too, which nobody outside the drive can read"
	trustsKey = "what was on the medium can still be there, unreadable without a key that the drive says it replaced: this is worth as " +
		"much as the drive's encryption and the handling of its key are"
)

var sanitizeBlock = Method{
	Name: "sanitize-block", Action: drive.SanitizeBlock,
	Title: "the drive erases every block, spare ones too (SANITIZE, block erase)",
	Level: Purge, Standard: purge, DefaultVerify: VerifySample, Proves: provesChanged + spareToo,
}

// IEEE 2883 lists it as purge for NVMe and for hard disks, and not for flash over ATA and SCSI.
var sanitizeOverwrite = Method{
	Name: "sanitize-overwrite", Action: drive.SanitizeOverwrite,
	Title: "the drive overwrites itself with zeros, spare areas too (SANITIZE, overwrite)",
	Level: Purge, OnFlash: Clear, Standard: purge, DefaultVerify: VerifySample, Proves: provesChanged + spareToo,
}

var sanitizeCrypto = Method{
	Name: "sanitize-crypto", Action: drive.SanitizeCrypto,
	Title: "the drive replaces the key of everything on it (SANITIZE, crypto erase)",
	Level: Purge, Standard: purge, DefaultVerify: VerifySample, Proves: provesChanged + trustsKey,
}

// Dell counts it as purge, NIST r1 does so for magnetic drives only, and it is not among what IEEE 2883 lists for flash.
var securityEraseEnhanced = Method{
	Name: "security-erase-enhanced", Action: drive.SecurityEraseEnhanced,
	Title: "the drive overwrites itself with a pattern of its maker, reallocated sectors too (ATA SECURITY ERASE UNIT, enhanced)",
	Level: Clear, Standard: current, DefaultVerify: VerifySample,
	Proves: provesChanged + "by the standard it reaches reallocated sectors, but not every area that held data",
}

var securityErase = Method{
	Name: "security-erase", Action: drive.SecurityErase,
	Title: "the drive overwrites every addressable sector (ATA SECURITY ERASE UNIT)",
	Level: Clear, Standard: current, DefaultVerify: VerifySample,
	Proves: provesChanged + "nothing is said of spare and reallocated areas",
}

// It was purge in NIST r1; it reaches one namespace, and promises neither to go on after a loss of power nor to reach
// every buffer, so that it is clear in IEEE 2883.
var formatCrypto = Method{
	Name: "format-crypto", Action: drive.FormatCrypto,
	Title: "the drive replaces the key of a namespace (NVMe Format NVM, cryptographic erase)",
	Level: Clear, Standard: current, DefaultVerify: VerifySample, Proves: provesChanged + trustsKey,
}

var formatUserData = Method{
	Name: "format-user-data", Action: drive.FormatUserData,
	Title: "the drive erases the user data of a namespace (NVMe Format NVM, user data erase)",
	Level: Clear, Standard: current, DefaultVerify: VerifySample,
	Proves: provesChanged + "what it leaves is the drive's choice, and nothing is said of spare areas",
}

// Its purpose is the layout, not the erasing: drives exist that say GOOD and keep everything.
var formatUnit = Method{
	Name: "format-unit", Action: drive.FormatUnit, OnlyNamed: true,
	Title: "the drive writes its layout anew (SCSI FORMAT UNIT)",
	Level: Clear, Standard: current, DefaultVerify: VerifyFull,
	Proves: provesChanged + "its purpose is the layout of the medium, and no standard says that it erases",
}
