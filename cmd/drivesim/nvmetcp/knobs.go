package nvmetcp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// knob is one thing that a line may say of a drive.
type knob struct {
	name, value, help string
	turn              func(d *draft, w word) error
}

// knobs are all of them.
var knobs = []knob{
	{"name", "=NAME", "what others call the drive", take(parseText, func(d *draft, v string) { d.Name = v })},
	{"serial", "=TEXT", "serial number; hex:AA.. gives its bytes, nothing makes it blank; so do model and firmware",
		take(parseText, func(d *draft, v string) { d.Serial = v })},
	{"model", "=TEXT", "model number", take(parseText, func(d *draft, v string) { d.Model = v })},
	{"firmware", "=TEXT", "firmware revision", take(parseText, func(d *draft, v string) { d.Firmware = v })},
	{"nqn", "=NQN", "the subsystem's name; default: one that nobody else has",
		take(parseNQN, func(d *draft, v string) { d.NQN = v })},
	{"size", "=SIZE,...", "of each namespace; default 16M", takeList(parseSize, func(d *draft, v []int64) { d.sizes = v })},
	{"sector", "=512|4096,...", "of each namespace; default 512", takeList(parseSector, func(d *draft, v []int) { d.sectors = v })},
	{"ns", "=N", "how many namespaces", take(parseNumber(1, 1024), func(d *draft, v uint64) { d.count = int(v) })},
	{"nsid", "=ID,...", "their numbers; default 1, 2, ...", takeList(parseNSID, func(d *draft, v []uint32) { d.ids = v })},
	{"detached", "=ID,...", "namespaces that exist and that no host sees",
		takeList(parseNSID, func(d *draft, v []uint32) { d.detached = v })},
	{"read-only", "[=ID,...]", "write protected namespaces; default all", turnReadOnly},
	{"nguid", "=auto|none|HEX", "default auto", take(parseIdentifier(16), func(d *draft, v Identifier) { d.NGUID = v })},
	{"eui64", "=auto|none|HEX", "default none", take(parseIdentifier(8), func(d *draft, v Identifier) { d.EUI64 = v })},
	{"uuid", "=auto|none|HEX", "default none", take(parseIdentifier(16), func(d *draft, v Identifier) { d.UUID = v })},
	{"multipath", "", "several controllers may be connected, the kernel makes one disk of them",
		yes(func(d *draft) { d.Multipath = true })},
	{"file", "=PATH", "keep namespace 1 in PATH, the second in PATH.2, ...", take(parseText, func(d *draft, v string) { d.file = v })},
	{"fill", "=blank|ones|random|TEXT", "what the media hold at first; default blank", take(parseText, setFill)},
	{"blank", "", "fill=blank", yes(func(d *draft) { d.Fill = "" })},

	{"sanitize", "=ACTION,...|none", "block, crypto, overwrite; default all",
		takeList(parseAction, func(d *draft, v []uint32) { d.SaniCap = union(v) })},
	{"no-sanitize", "", "SANICAP 0, no log 81h", yes(func(d *draft) { d.SaniCap = 0 })},
	{"sanicap", "=HEX", "SANICAP as it is", take(parseHex(32), func(d *draft, v uint64) { d.SaniCap = uint32(v) })},
	{"format", "=user,crypto|none", "which secure erase Format NVM has; default both", takeList(parseErase, setFormat)},
	{"fna", "=0..15", "FNA as it is: 1 formats all, 2 erases all, 4 crypto, 8 not for FFFFFFFFh",
		take(parseNumber(0, 15), func(d *draft, v uint64) { d.FNA = byte(v) })},
	{"oacs", "=HEX", "OACS as it is", take(parseHex(16), func(d *draft, v uint64) { d.OACS = uint16(v) })},
	{"took", "=DURATION", "how long a sanitize and a Format last; default 0",
		take(parseDuration, func(d *draft, v time.Duration) { d.Took = v })},
	{"format-took", "=DURATION", "how long a Format lasts", take(parseDuration, func(d *draft, v time.Duration) { d.formatTook = v })},
	{"est", "=SECONDS|unknown", "every estimate in log 81h; default what it takes", turnEstimate},
	{"after", "=zeros|ones|random", "what an erase leaves; default: block and user data zeros, overwrite its pattern, crypto random",
		take(parseAfter, func(d *draft, v pattern) { d.After = v })},

	{"lie", "", "sanitize succeeds and erases nothing", yes(func(d *draft) { d.SanitizeErases = 0 })},
	{"lie-half", "", "sanitize erases the first half of each namespace", yes(func(d *draft) { d.SanitizeErases = 0.5 })},
	{"format-lie", "", "Format with a secure erase succeeds and erases nothing", yes(func(d *draft) { d.FormatErases = 0 })},
	{"format-lie-half", "", "it erases the first half", yes(func(d *draft) { d.FormatErases = 0.5 })},
	{"never-ends", "[=PERCENT]", "sanitize or Format stays at 50 %", percent(50, func(d *draft, p float64) { d.NeverEnds = max(p, 1e-9) })},
	{"forget", "[=erased|after]", "sanitize is acknowledged and ignored, log 81h says never; erased: it is carried out; after: and seen while it runs",
		mode(SanitizeForget, SanitizeForgetRan, SanitizeForgetAfter)},
	{"other", "[=erased]", "sanitize is acknowledged and ignored, log 81h names another command; erased: it is carried out",
		mode(SanitizeOther, SanitizeOtherRan)},
	{"stale", "[=HEX]", "sanitize is acknowledged and ignored, log 81h shows an earlier success; HEX its SCDW10 before, default 2", turnStale},
	{"fail", "[=N|always]", "the first N sanitizes fail; default 1", turnFail},
	{"refuse", "[=STATUS]", "sanitize and Format are refused; STATUS in hexadecimal, default 4002", turnRefuse},
	{"hang", "", "after sanitize or Format was taken nothing is answered any more", mode(SanitizeHang)},
	{"vanish", "[=PERCENT]", "gone for good when 50 % of a sanitize or Format are done", cut(CutVanish)},
	{"power-loss", "[=PERCENT]", "no power for a while when 50 % are done", cut(CutPower)},
	{"dark", "=DURATION", "how long; default 1s", take(parseDuration, func(d *draft, v time.Duration) { d.Dark = v })},
	{"nons-list", "", "the lists of namespaces are refused", yes(func(d *draft) { d.NoList = true })},
	{"bad", "=[NS:]LBA[-LBA],...", "blocks that can neither be read nor written", bad(true, true)},
	{"bad-read", "=[NS:]LBA[-LBA],...", "blocks that cannot be read", bad(true, false)},
	{"bad-write", "=[NS:]LBA[-LBA],...", "blocks that cannot be written", bad(false, true)},
	{"worn", "=PERCENT", "Percentage Used, up to 255", take(parseNumber(0, 255), func(d *draft, v uint64) { d.Worn = byte(v) })},
	{"spare", "=PERCENT", "Available Spare; the threshold is 10", take(parseNumber(0, 100), func(d *draft, v uint64) { d.Spare = byte(v) })},
	{"hours", "=N", "powered on", take(parseNumber(0, 1<<32), func(d *draft, v uint64) { d.Hours = v })},
	{"celsius", "=N", "temperature", take(parseNumber(0, 200), func(d *draft, v uint64) { d.Celsius = int(v) })},
	{"critical", "=HEX", "Critical Warning", take(parseHex(8), func(d *draft, v uint64) { d.Critical = byte(v) })},
	{"short-log", "=BYTES", "no more than so many bytes of a log page arrive",
		take(parseNumber(1, 4096), func(d *draft, v uint64) { d.ShortLog = int(v) &^ 3 })},
	{"log81", "=HEX", "put over the beginning of log 81h", take(parseBytes, func(d *draft, v []byte) { d.RawSanitizeLog = v })},
}

var errNoValue, errValue = errors.New("a value is missing"), errors.New("takes no value")

func take[T any](parse func(string) (T, error), set func(*draft, T)) func(*draft, word) error {
	return func(d *draft, w word) error {
		if !w.given {
			return errNoValue
		}
		v, err := parse(w.value)
		if err == nil {
			set(d, v)
		}
		return err
	}
}

func takeList[T any](parse func(string) (T, error), set func(*draft, []T)) func(*draft, word) error {
	return take(func(s string) ([]T, error) { return list(s, parse) }, set)
}

func yes(set func(*draft)) func(*draft, word) error {
	return func(d *draft, w word) error {
		if w.given {
			return errValue
		}
		set(d)
		return nil
	}
}

// mode chooses between the modes of one knob: the first is meant without a value.
func mode(modes ...SanitizeMode) func(*draft, word) error {
	return func(d *draft, w word) error {
		for i, m := range modes {
			_, value, given := strings.Cut(string(m), "=")
			if given == w.given && value == w.value {
				d.Sanitize = modes[i]
				return nil
			}
		}
		return fmt.Errorf("%q is not one of its values", w.value)
	}
}

func percent(standard uint64, set func(*draft, float64)) func(*draft, word) error {
	return func(d *draft, w word) error {
		p := standard
		if w.given {
			var err error
			if p, err = parseNumber(0, 99)(w.value); err != nil {
				return err
			}
		}
		set(d, float64(p)/100)
		return nil
	}
}

func cut(how Cut) func(*draft, word) error {
	return percent(50, func(d *draft, p float64) { d.Cut, d.CutAt = how, p })
}

func turnReadOnly(d *draft, w word) (err error) {
	if d.everyProtected = !w.given; w.given {
		d.protected, err = list(w.value, parseNSID)
	}
	return err
}

func turnEstimate(d *draft, w word) error {
	d.estimated, d.estimate = true, math.MaxUint32
	if w.value == "unknown" {
		return nil
	}
	v, err := parseNumber(0, math.MaxUint32)(w.value)
	d.estimate = uint32(v)
	return err
}

func turnStale(d *draft, w word) error {
	d.Sanitize = SanitizeStale
	if !w.given {
		return nil
	}
	v, err := parseHex(32)(w.value)
	d.StaleWord = uint32(v)
	return err
}

func turnFail(d *draft, w word) error {
	switch {
	case !w.given:
		d.Failures = 1
	case w.value == "always":
		d.Failures = -1
	default:
		v, err := parseNumber(0, 1000)(w.value)
		d.Failures = int(v)
		return err
	}
	return nil
}

func turnRefuse(d *draft, w word) error {
	d.Refuse = invalidField
	if !w.given {
		return nil
	}
	v, err := parseHex(15)(w.value)
	if err == nil && v == 0 {
		err = errors.New("status 0 is success")
	}
	d.Refuse = status(v)
	return err
}

func bad(read, write bool) func(*draft, word) error {
	return takeList(func(s string) (BadRange, error) {
		r := BadRange{Read: read, Write: write}
		if id, rest, ok := strings.Cut(s, ":"); ok {
			n, err := parseNSID(id)
			if err != nil {
				return r, err
			}
			r.Namespace, s = n, rest
		}
		first, last, ok := strings.Cut(s, "-")
		if !ok {
			last = first
		}
		var err error
		if r.First, err = parseNumber(0, math.MaxInt64)(first); err == nil {
			r.Last, err = parseNumber(r.First, math.MaxInt64)(last)
		}
		return r, err
	}, func(d *draft, all []BadRange) { d.Bad = append(d.Bad, all...) })
}

func setFill(d *draft, v string) {
	if d.Fill = v; v == "blank" {
		d.Fill = ""
	}
}

func parseSector(s string) (int, error) {
	switch s {
	case "512":
		return 512, nil
	case "4096":
		return 4096, nil
	}
	return 0, fmt.Errorf("%q is neither 512 nor 4096", s)
}

func parseNQN(s string) (string, error) {
	if len(s) == 0 || len(s) > 223 || strings.ContainsAny(s, ",\n\x00") {
		return "", fmt.Errorf("%q cannot be an NQN", s)
	}
	return s, nil
}

func parseAfter(s string) (pattern, error) {
	switch s {
	case "zeros":
		return wordPattern(0), nil
	case "ones":
		return wordPattern(math.MaxUint32), nil
	case "random":
		return rekey(), nil
	}
	return nil, fmt.Errorf("%q is not one of zeros, ones, random", s)
}

func parseBytes(s string) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) > 512 {
		return nil, fmt.Errorf("%q are no bytes in hexadecimal, up to 512", s)
	}
	return b, nil
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > 1000*time.Hour {
		return 0, fmt.Errorf("%q is no duration, such as 3s", s)
	}
	return d, nil
}

func parseAction(s string) (uint32, error) {
	bits, ok := map[string]uint32{"none": 0, "block": canBlock, "crypto": canCrypto, "overwrite": canOverwrite}[s]
	if !ok {
		return 0, fmt.Errorf("%q is not one of block, crypto, overwrite, none", s)
	}
	return bits, nil
}

// parseErase reads a kind of Format as the bits of OACS that it needs, and 16 bits up those of FNA.
func parseErase(s string) (uint32, error) {
	bits, ok := map[string]uint32{"none": 0, "user": formatSupported, "crypto": formatSupported | formatCrypto<<16}[s]
	if !ok {
		return 0, fmt.Errorf("%q is not one of user, crypto, none", s)
	}
	return bits, nil
}

func setFormat(d *draft, kinds []uint32) {
	bits := union(kinds)
	d.OACS = d.OACS&^formatSupported | uint16(bits)
	d.FNA = d.FNA&^formatCrypto | byte(bits>>16)
}

func union(all []uint32) (bits uint32) {
	for _, b := range all {
		bits |= b
	}
	return bits
}
