package method

import "slices"

// What a legacy method shows is what its last pass shows, as in the current methods.
const (
	provesRandom = "every addressable sector holds the random stream of the last pass, which only this job has; the passes " +
		"before it add nothing that reading could show, and nothing is said of spare and reallocated areas"
	provesFixed = "every addressable sector reads back as the last pass left it; the passes before it add nothing that " +
		"reading could show, and nothing is said of spare and reallocated areas"
)

var afssi5020 = Method{
	Name:          "afssi-5020",
	Title:         "zeros, ones, random",
	Level:         Clear,
	Legacy:        true,
	Passes:        []Pass{fixed(0x00), fixed(0xFF), random()},
	Standard:      "US Air Force AFSSI-5020",
	Status:        "superseded",
	After:         "erazed4good",
	Proves:        provesRandom,
	DefaultVerify: VerifyFull,
}

// The text has a character, its complement and a random pass; zeros and ones are the character that vendors take.
var dod3 = Method{
	Name:          "dod-3",
	Title:         "a character (zeros), its complement (ones), random",
	Level:         Clear,
	Legacy:        true,
	Passes:        []Pass{fixed(0x00), fixed(0xFF), random()},
	Standard:      "DoD 5220.22-M (E)",
	Status:        "withdrawn in 2006, no DoD rule today",
	Proves:        provesRandom,
	DefaultVerify: VerifyFull,
}

var dod7 = Method{
	Name:   "dod-7",
	Title:  "random bytes and their complements, with random passes between",
	Level:  Clear,
	Legacy: true,
	Passes: []Pass{drawn("first"), complement("first"), random(), drawn("second"), drawn("third"), complement("third"),
		random()},
	Standard:      "DoD 5220.22-M (ECE)",
	Status:        "withdrawn in 2006, no DoD rule today",
	After:         "nwipe",
	Proves:        provesRandom,
	DefaultVerify: VerifyFull,
}

var gutmann = Method{
	Name:          "gutmann",
	Title:         "4 random passes, 27 fixed ones in random order, 4 random passes",
	Level:         Clear,
	Legacy:        true,
	Passes:        slices.Concat(times(4, random()), gutmannFixed(), times(4, random())),
	Standard:      "P. Gutmann's paper of 1996",
	Status:        "obsolete, made for encodings that drives no longer use",
	Proves:        provesRandom,
	DefaultVerify: VerifyFull,
}

func gutmannFixed() []Pass {
	passes := []Pass{
		fixed(0x55), fixed(0xAA),
		fixed(0x92, 0x49, 0x24), fixed(0x49, 0x24, 0x92), fixed(0x24, 0x92, 0x49),
	}
	for nibble := range byte(16) {
		passes = append(passes, fixed(nibble<<4|nibble))
	}
	return anyOrder(append(passes,
		fixed(0x92, 0x49, 0x24), fixed(0x49, 0x24, 0x92), fixed(0x24, 0x92, 0x49),
		fixed(0x6D, 0xB6, 0xDB), fixed(0xB6, 0xDB, 0x6D), fixed(0xDB, 0x6D, 0xB6),
	)...)
}

var is5Baseline = Method{
	Name:          "is5-baseline",
	Title:         "zeros",
	Level:         Clear,
	Legacy:        true,
	Passes:        []Pass{fixed(0x00)},
	Standard:      "HMG Infosec Standard 5, baseline",
	Status:        "withdrawn",
	Proves:        provesFixed,
	DefaultVerify: VerifyFull,
}

var is5Enhanced = Method{
	Name:          "is5-enhanced",
	Title:         "zeros, ones, random, always verified",
	Level:         Clear,
	Legacy:        true,
	Passes:        []Pass{fixed(0x00), fixed(0xFF), random()},
	Standard:      "HMG Infosec Standard 5, enhanced",
	Status:        "withdrawn",
	Proves:        provesRandom,
	DefaultVerify: VerifyFull,
	MustVerify:    true,
}

var opsII = Method{
	Name:          "ops-ii",
	Title:         "zeros and ones three times, random",
	Level:         Clear,
	Legacy:        true,
	Passes:        append(zerosAndOnes(), random()),
	Standard:      "RCMP TSSIT OPS-II",
	Status:        "replaced by CSE ITSP.40.006 v2 in 2017",
	After:         "BitRaser",
	Proves:        provesRandom,
	DefaultVerify: VerifyFull,
}

var schneier = Method{
	Name:          "schneier",
	Title:         "ones, zeros, random five times",
	Level:         Clear,
	Legacy:        true,
	Passes:        append([]Pass{fixed(0xFF), fixed(0x00)}, times(5, random())...),
	Standard:      "B. Schneier's Applied Cryptography",
	Status:        "advice in a book of 1996, no standard",
	Proves:        provesRandom,
	DefaultVerify: VerifyFull,
}

var vsitr = Method{
	Name:          "vsitr",
	Title:         "zeros and ones three times, 0xaa",
	Level:         Clear,
	Legacy:        true,
	Passes:        append(zerosAndOnes(), fixed(0xAA)),
	Standard:      "BSI VSITR",
	Status:        "withdrawn",
	After:         "LEM vsitroverwriter",
	Proves:        provesFixed,
	DefaultVerify: VerifyFull,
}

func zerosAndOnes() []Pass {
	return []Pass{fixed(0x00), fixed(0xFF), fixed(0x00), fixed(0xFF), fixed(0x00), fixed(0xFF)}
}
