package nvmetcp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parse reads a drive's line: the word nvme, which may be missing, and knobs, each a name or name=value. A value with blanks
// stands in quotes, as Go writes a string. Later knobs win. Usage lists them all.
func Parse(line string) (Config, error) {
	words, err := split(line)
	if err != nil {
		return Config{}, err
	}
	d := newDraft()
	for i, w := range words {
		if i == 0 && w.name == "nvme" && !w.given {
			continue
		}
		at := slices.IndexFunc(knobs, func(k knob) bool { return k.name == w.name })
		if at < 0 {
			return Config{}, fmt.Errorf("%q is no knob of an nvme drive", w.name)
		}
		if err := knobs[at].turn(d, w); err != nil {
			return Config{}, fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return d.finish()
}

// Usage tells what a line may say, a knob a line.
func Usage() string {
	var b strings.Builder
	for _, k := range knobs {
		fmt.Fprintf(&b, "%-28s %s\n", k.name+k.value, k.help)
	}
	return b.String()
}

// word is one knob as it was written.
type word struct {
	name, value string
	given       bool // with a value
}

func split(line string) ([]word, error) {
	var words []word
	for {
		if line = strings.TrimLeft(line, " \t"); line == "" {
			return words, nil
		}
		end := strings.IndexAny(line, " \t=")
		if end < 0 || line[end] != '=' {
			name, rest, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
			words = append(words, word{name: name})
			line = rest
			continue
		}
		w := word{name: line[:end], given: true}
		line = line[end+1:]
		if strings.HasPrefix(line, `"`) {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("%s: a quoted value without its end", w.name)
			}
			w.value, _ = strconv.Unquote(quoted)
			line = line[len(quoted):]
		} else {
			end := strings.IndexAny(line+" ", " \t")
			w.value, line = line[:end], line[end:]
		}
		words = append(words, w)
	}
}

// draft is a drive whose line is still being read.
type draft struct {
	Config
	count               int
	sizes               []int64
	sectors             []int
	ids                 []uint32
	detached, protected []uint32
	everyProtected      bool
	file                string
	formatTook          time.Duration
	estimate            uint32
	estimated           bool
}

func newDraft() *draft {
	return &draft{
		Config: Config{
			Serial: "DRIVESIM", Model: "DRIVESIM NVME", Firmware: "1.0", Spare: 100, Hours: 1234, Celsius: 37,
			SaniCap: canBlock | canCrypto | canOverwrite, OACS: formatSupported, FNA: formatCrypto,
			SanitizeErases: 1, FormatErases: 1, CutAt: 0.5, Dark: time.Second, StaleWord: actionBlock, NGUID: Identifier{Auto: true},
		},
		sizes: []int64{16 << 20}, sectors: []int{512}, formatTook: -1,
	}
}

var errSize = errors.New("sizes are multiples of 4096 bytes, 4096 and up")

func (d *draft) finish() (Config, error) {
	c := d.Config
	if c.TookBy = d.formatTook; c.TookBy < 0 {
		c.TookBy = c.Took
	}
	if !d.estimated {
		d.estimate = uint32(min(math.Ceil(c.Took.Seconds()), math.MaxUint32-1))
	}
	c.Estimates = Estimates{d.estimate, d.estimate, d.estimate}
	count := max(d.count, len(d.ids), len(d.sizes), len(d.sectors))
	for i := range count {
		n, err := d.namespace(i)
		if err != nil {
			return Config{}, err
		}
		c.Namespaces = append(c.Namespaces, n)
	}
	slices.SortFunc(c.Namespaces, func(a, b Namespace) int { return int(int64(a.ID) - int64(b.ID)) })
	for i, n := range c.Namespaces[1:] {
		if n.ID == c.Namespaces[i].ID {
			return Config{}, fmt.Errorf("two namespaces have the number %d", n.ID)
		}
	}
	return c, nil
}

// namespace makes the namespace at a place, counted from 0. Short lists repeat their last entry.
func (d *draft) namespace(i int) (Namespace, error) {
	n := Namespace{ID: uint32(i) + 1, Size: at(d.sizes, i), Sector: at(d.sectors, i)}
	switch {
	case len(d.ids) > i:
		n.ID = d.ids[i]
	case len(d.ids) > 0:
		n.ID = d.ids[len(d.ids)-1] + uint32(i-len(d.ids)+1)
	}
	if n.Size%4096 != 0 || n.Size <= 0 {
		return Namespace{}, fmt.Errorf("size %d: %w", n.Size, errSize)
	}
	n.Detached = slices.Contains(d.detached, n.ID)
	n.ReadOnly = d.everyProtected || slices.Contains(d.protected, n.ID)
	if d.file != "" {
		if n.File = d.file; i > 0 {
			n.File += "." + strconv.Itoa(i+1)
		}
	}
	return n, nil
}

func at[T any](list []T, i int) T { return list[min(i, len(list)-1)] }

// list reads values between commas.
func list[T any](value string, parse func(string) (T, error)) ([]T, error) {
	var all []T
	for part := range strings.SplitSeq(value, ",") {
		v, err := parse(part)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// parseSize reads bytes, with K, M, G, T, P or E for powers of 1024.
func parseSize(s string) (int64, error) {
	shift := 0
	if s != "" {
		if i := strings.IndexByte("KMGTPE", s[len(s)-1]); i >= 0 {
			s, shift = s[:len(s)-1], 10*(i+1)
		}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v <= 0 || v > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is no size, such as 16M", s)
	}
	return v << shift, nil
}

func parseHex(bits int) func(string) (uint64, error) {
	return func(s string) (uint64, error) {
		v, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, bits)
		if err != nil {
			return 0, fmt.Errorf("%q is no hexadecimal number of %d bits", s, bits)
		}
		return v, nil
	}
}

func parseNumber(least, most uint64) func(string) (uint64, error) {
	return func(s string) (uint64, error) {
		v, err := strconv.ParseUint(s, 10, 64)
		if err != nil || v < least || v > most {
			return 0, fmt.Errorf("%q is no number from %d to %d", s, least, most)
		}
		return v, nil
	}
}

func parseNSID(s string) (uint32, error) {
	v, err := parseNumber(1, 0xFFFFFFFD)(s)
	return uint32(v), err
}

// parseText reads a text; hex: before it gives its bytes.
func parseText(s string) (string, error) {
	digits, ok := strings.CutPrefix(s, "hex:")
	if !ok {
		return s, nil
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return "", fmt.Errorf("%q are no bytes in hexadecimal", digits)
	}
	return string(b), nil
}

// Identifier is how the namespaces of a drive get an identifier of one kind.
type Identifier struct {
	Auto  bool   // one that no other namespace has
	Value []byte // that of namespace 1, the next has one more; nil and not Auto: none
}

// of gives the identifier of a namespace; nil: it has none.
func (i Identifier) of(bytesLong int, nqn string, id uint32, kind string) []byte {
	if i.Auto {
		return derived(bytesLong, nqn, id, kind)
	}
	if i.Value == nil {
		return nil
	}
	b := bytes.Clone(i.Value)
	b[len(b)-1] += byte(id - 1)
	return b
}

func parseIdentifier(length int) func(string) (Identifier, error) {
	return func(s string) (Identifier, error) {
		switch s {
		case "auto":
			return Identifier{Auto: true}, nil
		case "none":
			return Identifier{}, nil
		}
		b, err := hex.DecodeString(s)
		if err != nil || len(b) != length {
			return Identifier{}, fmt.Errorf("%q is neither auto, none nor %d bytes in hexadecimal", s, length)
		}
		return Identifier{Value: b}, nil
	}
}
