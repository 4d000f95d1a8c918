package method

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"testing"

	"wiped/engine/wipe"
)

func resolve(t *testing.T, name string, random io.Reader) []wipe.Pattern {
	t.Helper()
	m, ok := Find(name)
	if !ok {
		t.Fatalf("no method %s", name)
	}
	patterns, err := m.Resolve(random)
	if err != nil {
		t.Fatal(err)
	}
	return patterns
}

func TestEveryMethodResolves(t *testing.T) {
	keys := map[string]bool{}
	for _, m := range All() {
		if m.Action != "" {
			continue // the drive needs no patterns
		}
		patterns := resolve(t, m.Name, rand.Reader)
		if len(patterns) != len(m.Passes) {
			t.Errorf("%s: %d passes, want %d", m.Name, len(patterns), len(m.Passes))
		}
		for i, p := range patterns {
			if err := p.Validate(); err != nil {
				t.Errorf("%s: pass %d: %v", m.Name, i+1, err)
			}
			if key := p.Key.String(); key != "" && keys[key] {
				t.Errorf("%s: pass %d has the key of another", m.Name, i+1)
			} else {
				keys[key] = true
			}
			if listed := m.Passes[i]; (listed.Kind == Stream) != (p.String() == "random") {
				t.Errorf("%s: pass %d is %s, listed as %s", m.Name, i+1, p, listed.Title())
			}
		}
	}
}

// The passes, written down a second time.
func TestPasses(t *testing.T) {
	gutmann := "random random random random " +
		"0x55 0xaa 0x924924 0x492492 0x249249 zeros 0x11 0x22 0x33 0x44 0x55 0x66 0x77 0x88 0x99 0xaa 0xbb 0xcc 0xdd 0xee ones " +
		"0x924924 0x492492 0x249249 0x6db6db 0xb6db6d 0xdb6db6 random random random random"
	for name, want := range map[string]string{
		"random":       "random",
		"zero":         "zeros",
		"one":          "ones",
		"afssi-5020":   "zeros ones random",
		"dod-3":        "zeros ones random",
		"dod-7":        "random byte its complement random random byte random byte its complement random",
		"gutmann":      gutmann,
		"is5-baseline": "zeros",
		"is5-enhanced": "zeros ones random",
		"ops-ii":       "zeros ones zeros ones zeros ones random",
		"schneier":     "ones zeros random random random random random",
		"vsitr":        "zeros ones zeros ones zeros ones 0xaa",
	} {
		m, _ := Find(name)
		var got string
		for i, title := range m.PassTitles() {
			if i > 0 {
				got += " "
			}
			got += title
		}
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestDrawnBytesAndTheirComplements(t *testing.T) {
	// In the order in which they are needed: a byte, a key, a byte, a byte, a key.
	random := slices.Concat([]byte{0x11}, counting(1), []byte{0x22, 0x33}, counting(2))
	p := resolve(t, "dod-7", bytes.NewReader(random))
	want := []string{"0x11", "0xee", "random", "0x22", "0x33", "0xcc", "random"}
	for i := range want {
		if p[i].String() != want[i] {
			t.Errorf("pass %d: %s, want %s", i+1, p[i], want[i])
		}
	}
	if !bytes.Equal(p[2].Key, counting(1)) || !bytes.Equal(p[6].Key, counting(2)) {
		t.Errorf("keys %s and %s", p[2].Key, p[6].Key)
	}
}

func counting(from byte) []byte {
	b := make([]byte, wipe.KeyBytes)
	for i := range b {
		b[i] = from + byte(i)
	}
	return b
}

// Gutmann's fixed passes come in another order for each job; the random ones stay around them, and none is lost.
func TestGutmannIsShuffled(t *testing.T) {
	m, _ := Find("gutmann")
	listed := m.PassTitles()
	places := map[string]map[int]bool{}
	for range 400 {
		var titles []string
		for i, p := range resolve(t, "gutmann", rand.Reader) {
			if random := i < 4 || i >= 31; random != (p.String() == "random") {
				t.Fatalf("pass %d is %s", i+1, p)
			}
			if places[p.String()] == nil {
				places[p.String()] = map[int]bool{}
			}
			places[p.String()][i] = true
			titles = append(titles, p.String())
		}
		slices.Sort(titles)
		if want := slices.Sorted(slices.Values(listed)); !slices.Equal(titles, want) {
			t.Fatalf("%q, want %q", titles, want)
		}
	}
	for title, at := range places { // in 400 jobs one misses a given place with a chance of 3 in 10 million
		if title != "random" && len(at) < 26 {
			t.Errorf("%s comes at %d of 27 places only", title, len(at))
		}
	}
	if !slices.Equal(m.PassTitles(), listed) {
		t.Error("the list itself was shuffled")
	}
}

func TestBrokenRandomness(t *testing.T) {
	for name, random := range map[string]func() io.Reader{
		"none":     func() io.Reader { return bytes.NewReader(nil) },
		"ends":     func() io.Reader { return bytes.NewReader(make([]byte, 20)) },
		"zeros":    func() io.Reader { return constant(0) },
		"ones":     func() io.Reader { return constant(0xFF) },
		"repeated": func() io.Reader { return &repeating{counting(0), 0} },
	} {
		for _, method := range []string{"random", "dod-7", "gutmann", "schneier"} {
			if name == "repeated" && method != "schneier" {
				continue // one key, or no whole number of them
			}
			m, _ := Find(method)
			patterns, err := m.Resolve(random())
			if err == nil || patterns != nil {
				t.Errorf("%s from %s: %v", method, name, patterns)
			}
		}
	}
	zero, _ := Find("zero")
	if _, err := zero.Resolve(bytes.NewReader(nil)); err != nil {
		t.Errorf("zero needs no randomness: %v", err)
	}
}

type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

type repeating struct {
	bytes []byte
	at    int
}

func (r *repeating) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.bytes[r.at%len(r.bytes)]
		r.at++
	}
	return len(p), nil
}

func TestMethodsThatMakeNoSense(t *testing.T) {
	for name, passes := range map[string][]Pass{
		"no passes":          nil,
		"no kind":            {{}},
		"no bytes":           {fixed()},
		"too many bytes":     {fixed(make([]byte, 513)...)},
		"nothing to refer":   {complement("x")},
		"refers to a later":  {complement("x"), drawn("x")},
		"the same one twice": {drawn("x"), drawn("x")},
	} {
		if p, err := (Method{Name: "x", Passes: passes}).Resolve(rand.Reader); err == nil || p != nil {
			t.Errorf("%s: %v", name, p)
		}
	}
}

func TestBelowIsFair(t *testing.T) {
	for _, n := range []int{1, 2, 3, 27, 200, 256} {
		counts := make([]int, n)
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		random := bytes.NewReader(all)
		for range 256 / n * n {
			i, err := below(random, n)
			if err != nil {
				t.Fatal(err)
			}
			counts[i]++
		}
		if slices.Min(counts) != slices.Max(counts) {
			t.Errorf("%d: %s", n, fmt.Sprint(counts))
		}
	}
}
