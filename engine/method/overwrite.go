package method

// NIST leaves the technique to IEEE 2883 since Rev. 2, so that a certificate names both and no "NIST technique".
const current = "NIST SP 800-88r2 clear, technique per IEEE 2883-2022"

var randomStream = Method{
	Name:          "random",
	Title:         "one pass of a random stream that only this job has",
	Level:         Clear,
	Passes:        []Pass{random()},
	Standard:      current,
	DefaultVerify: VerifyFull,
	Proves: "every addressable sector holds what this job wrote to that very sector, in bytes that no drive can compress " +
		"or deduplicate: one that drops or misdirects writes, or has less room than it says, does not pass; nothing is " +
		"said of spare and reallocated areas",
}

var zero = Method{
	Name:          "zero",
	Title:         "one pass of zeros",
	Level:         Clear,
	Passes:        []Pass{fixed(0x00)},
	Standard:      current,
	DefaultVerify: VerifyFull,
	Proves: "every addressable sector reads back as zeros; unlike random it cannot show that writes reached the sector " +
		"they were meant for, and nothing is said of spare and reallocated areas",
}

var one = Method{
	Name:          "one",
	Title:         "one pass of ones",
	Level:         Clear,
	Passes:        []Pass{fixed(0xFF)},
	Standard:      current,
	DefaultVerify: VerifyFull,
	Proves: "every addressable sector reads back as ones; unlike random it cannot show that writes reached the sector " +
		"they were meant for, and nothing is said of spare and reallocated areas",
}
