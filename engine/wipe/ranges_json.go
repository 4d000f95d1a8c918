package wipe

import (
	"encoding/json"
	"errors"
	"fmt"
)

// rangesJSON is the written form of Ranges. Bytes is absent where somebody wrote the list by hand.
type rangesJSON struct {
	Ranges []Range `json:"ranges"`
	Bytes  *int64  `json:"bytes"`
}

// MarshalJSON writes {"ranges": [{"offset": O, "length": L}, ...], "bytes": N}.
func (s Ranges) MarshalJSON() ([]byte, error) {
	list := s.list
	if list == nil {
		list = []Range{}
	}
	return json.Marshal(rangesJSON{Ranges: list, Bytes: &s.bytes})
}

// UnmarshalJSON reads what MarshalJSON wrote. It refuses ranges that cannot be and a count that the ranges cannot hold,
// rather than to lose track of a bad area.
func (s *Ranges) UnmarshalJSON(data []byte) error {
	var in rangesJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("decode ranges: %w", err)
	}
	if in.Ranges == nil {
		return errors.New("decode ranges: there is no list")
	}
	var out Ranges
	for _, r := range in.Ranges {
		if r != onDrive(r) || r.Length == 0 {
			return fmt.Errorf("decode ranges: no drive has %d bytes at %d", r.Length, r.Offset)
		}
		out.Add(r)
	}
	if in.Bytes != nil {
		if *in.Bytes > out.covered || *in.Bytes < int64(len(out.list)) {
			return fmt.Errorf("decode ranges: %d bytes do not fit ranges of %d", *in.Bytes, out.covered)
		}
		out.bytes = *in.Bytes
	}
	*s = out
	return nil
}
