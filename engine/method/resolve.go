package method

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"wiped/engine/wipe"
)

// Resolve draws what is random and returns the passes of one job, in the order they run. random must be
// cryptographically secure (crypto/rand.Reader). The result is to be kept: a job that is resumed goes on with it.
// The error is that of random, or says that random is none: a key is all one byte, or came twice.
func (m Method) Resolve(random io.Reader) ([]wipe.Pattern, error) {
	if len(m.Passes) == 0 {
		return nil, fmt.Errorf("resolve method %q: it has no passes", m.Name)
	}
	passes, err := shuffled(m.Passes, random)
	if err != nil {
		return nil, fmt.Errorf("resolve method %q: %w", m.Name, err)
	}
	d := draws{random: random, bytes: map[string]byte{}}
	patterns := make([]wipe.Pattern, len(passes))
	for i, p := range passes {
		if patterns[i], err = d.pattern(p); err != nil {
			return nil, fmt.Errorf("resolve pass %d of method %q: %w", i+1, m.Name, err)
		}
	}
	return patterns, nil
}

// draws is what was drawn so far for one job.
type draws struct {
	random io.Reader
	bytes  map[string]byte
	keys   []wipe.Hex
}

func (d *draws) pattern(p Pass) (wipe.Pattern, error) {
	switch p.Kind {
	case Fixed:
		pattern := wipe.Pattern{Bytes: bytes.Clone(p.Bytes)}
		return pattern, pattern.Validate()
	case Stream:
		key, err := d.key()
		return wipe.Pattern{Key: key}, err
	case Byte:
		value, err := d.draw(p.Draw)
		return wipe.Pattern{Bytes: wipe.Hex{value}}, err
	case Complement:
		value, ok := d.bytes[p.Draw]
		if !ok {
			return wipe.Pattern{}, fmt.Errorf("no random byte %q was drawn before", p.Draw)
		}
		return wipe.Pattern{Bytes: wipe.Hex{^value}}, nil
	}
	return wipe.Pattern{}, fmt.Errorf("unknown kind of pass %d", p.Kind)
}

func (d *draws) key() (wipe.Hex, error) {
	key := make(wipe.Hex, wipe.KeyBytes)
	if _, err := io.ReadFull(d.random, key); err != nil {
		return nil, fmt.Errorf("draw key: %w", err)
	}
	if bytes.Count(key, key[:1]) == len(key) {
		return nil, errors.New("draw key: the random source gives one byte only")
	}
	for _, other := range d.keys {
		if bytes.Equal(key, other) {
			return nil, errors.New("draw key: the random source repeats itself")
		}
	}
	d.keys = append(d.keys, key)
	return key, nil
}

func (d *draws) draw(name string) (byte, error) {
	if _, twice := d.bytes[name]; twice {
		return 0, fmt.Errorf("random byte %q is drawn twice", name)
	}
	var value [1]byte
	if _, err := io.ReadFull(d.random, value[:]); err != nil {
		return 0, fmt.Errorf("draw byte: %w", err)
	}
	d.bytes[name] = value[0]
	return value[0], nil
}

// shuffled returns passes with those of any order in a random one, each such order as likely as another.
func shuffled(passes []Pass, random io.Reader) ([]Pass, error) {
	passes = slices.Clone(passes)
	var places []int
	for i, p := range passes {
		if p.AnyOrder {
			places = append(places, i)
		}
	}
	for i := len(places) - 1; i > 0; i-- {
		j, err := below(random, i+1)
		if err != nil {
			return nil, fmt.Errorf("draw order: %w", err)
		}
		a, b := places[i], places[j]
		passes[a], passes[b] = passes[b], passes[a]
	}
	return passes, nil
}

// below draws a number from 0 to n-1, for n up to 256. Bytes that would favour some numbers are drawn again.
func below(random io.Reader, n int) (int, error) {
	for range 1000 {
		var value [1]byte
		if _, err := io.ReadFull(random, value[:]); err != nil {
			return 0, err
		}
		if int(value[0]) < 256/n*n {
			return int(value[0]) % n, nil
		}
	}
	return 0, errors.New("the random source gives no fit byte")
}
