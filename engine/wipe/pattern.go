package wipe

import (
	"encoding/hex"
	"errors"
	"fmt"
)

const (
	// MaxPatternBytes is the longest fixed pattern. Its period has to fit into the slack of one shared buffer.
	MaxPatternBytes = 512
	// KeyBytes is the length of a stream's key (AES-256).
	KeyBytes = 32
)

// Hex is bytes that are written as hexadecimal digits in JSON and other text.
type Hex []byte

// String returns two lower-case hexadecimal digits for each byte.
func (h Hex) String() string { return hex.EncodeToString(h) }

// MarshalText never fails.
func (h Hex) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText accepts pairs of hexadecimal digits in either case and nothing else.
func (h *Hex) UnmarshalText(text []byte) error {
	decoded, err := hex.DecodeString(string(text))
	if err != nil {
		return fmt.Errorf("decode hexadecimal bytes: %w", err)
	}
	*h = decoded
	return nil
}

// Pattern is what a pass leaves on a drive: either fixed bytes, repeated from byte 0 of the drive on, or an AES-256-CTR
// key stream whose counter is the byte offset divided by 16, so that any block can be made again without its neighbours.
// It is plain data, made to be kept in a journal. Exactly one of the two fields is set.
type Pattern struct {
	Bytes Hex `json:"bytes,omitempty"` // 1 to MaxPatternBytes bytes
	Key   Hex `json:"key,omitempty"`   // KeyBytes bytes
}

// Validate reports why p does not describe the content of a drive.
func (p Pattern) Validate() error {
	switch {
	case len(p.Bytes) > 0 && len(p.Key) > 0:
		return errors.New("check pattern: it has both fixed bytes and a key")
	case len(p.Bytes) > MaxPatternBytes:
		return fmt.Errorf("check pattern: %d fixed bytes, at most %d are possible", len(p.Bytes), MaxPatternBytes)
	case len(p.Bytes) > 0, len(p.Key) == KeyBytes:
		return nil
	case len(p.Key) > 0:
		return fmt.Errorf("check pattern: a key of %d bytes, not %d", len(p.Key), KeyBytes)
	}
	return errors.New("check pattern: it has neither fixed bytes nor a key")
}

// String names the pattern as people do: zeros, ones, random, or the fixed bytes as in 0x924924. It never shows a key.
func (p Pattern) String() string {
	switch {
	case p.Validate() != nil:
		return "invalid"
	case len(p.Key) > 0:
		return "random"
	case uniform(p.Bytes, 0x00):
		return "zeros"
	case uniform(p.Bytes, 0xFF):
		return "ones"
	}
	return "0x" + p.Bytes.String()
}

func uniform(bytes []byte, value byte) bool {
	for _, b := range bytes {
		if b != value {
			return false
		}
	}
	return true
}

// Fill sets buf to what p leaves at byte off of a drive. It allocates; the loops of a Run do not go through it.
// It panics if p is invalid or off is negative.
func (p Pattern) Fill(buf []byte, off int64) {
	if err := p.Validate(); err != nil {
		panic(err)
	}
	if len(p.Key) > 0 {
		newStream(p.Key, nil).fill(buf, off)
		return
	}
	for i := range buf {
		buf[i] = p.Bytes[(off+int64(i))%int64(len(p.Bytes))]
	}
}
