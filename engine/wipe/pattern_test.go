package wipe

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"unsafe"
)

func TestPatternNames(t *testing.T) {
	for _, c := range []struct {
		pattern Pattern
		name    string
	}{
		{Pattern{Bytes: Hex{0}}, "zeros"},
		{Pattern{Bytes: Hex{0, 0, 0}}, "zeros"},
		{Pattern{Bytes: Hex{0xFF}}, "ones"},
		{Pattern{Bytes: Hex{0x55}}, "0x55"},
		{Pattern{Bytes: Hex{0x92, 0x49, 0x24}}, "0x924924"},
		{Pattern{Key: make(Hex, 32)}, "random"},
		{Pattern{}, "invalid"},
		{Pattern{Bytes: Hex{0}, Key: make(Hex, 32)}, "invalid"},
		{Pattern{Key: make(Hex, 31)}, "invalid"},
		{Pattern{Bytes: make(Hex, 513)}, "invalid"},
	} {
		if got := c.pattern.String(); got != c.name {
			t.Errorf("%v: %q, want %q", c.pattern.Bytes, got, c.name)
		}
		if err := c.pattern.Validate(); (err != nil) != (c.name == "invalid") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestPatternInJSON(t *testing.T) {
	for name, p := range map[string]Pattern{
		`{"bytes":"924924"}`: {Bytes: Hex{0x92, 0x49, 0x24}},
		`{"bytes":"00"}`:     {Bytes: Hex{0}},
		`{"key":"` + Hex(bytes.Repeat([]byte{0xAB}, 32)).String() + `"}`: {Key: bytes.Repeat([]byte{0xAB}, 32)},
	} {
		if got, err := json.Marshal(p); err != nil || string(got) != name {
			t.Errorf("%s, %v; want %s", got, err, name)
		}
	}
}

func FuzzPatternJSON(f *testing.F) {
	f.Add([]byte(`{"bytes":"924924"}`))
	f.Add([]byte(`{"bytes":"0"}`))
	f.Add([]byte(`{"bytes":null,"key":"00"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p, q Pattern
		if json.Unmarshal(data, &p) != nil || p.Validate() != nil {
			return
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &q); err != nil {
			t.Fatal(err)
		}
		if q.Validate() != nil || !bytes.Equal(p.Bytes, q.Bytes) || !bytes.Equal(p.Key, q.Key) || p.String() != q.String() {
			t.Fatalf("%s came back as %v", text, q)
		}
	})
}

// The definition of the stream, spelled out with nothing but the block cipher: who has the key and this can check a
// drive without our code.
func TestStreamIsAESOfTheBlockNumber(t *testing.T) {
	key := counting(KeyBytes)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []int64{0, 16, 512, 1<<20 - 512, 3 << 40, 1<<63 - 1<<20} {
		got, want := make([]byte, 4096), make([]byte, 4096)
		Pattern{Key: key}.Fill(got, off)
		for i := 0; i < len(want); i += 16 {
			binary.BigEndian.PutUint64(want[i+8:], uint64(off)/16+uint64(i)/16)
			block.Encrypt(want[i:], want[i:])
		}
		if !bytes.Equal(got, want) {
			t.Errorf("differs at byte %d of the drive", off)
		}
	}
}

// Whatever a block begins at, its bytes are those that Fill gives, and its memory is good for direct I/O.
func TestBlocksAreTheirOffsets(t *testing.T) {
	const block = 3 * len(zeros)
	for name, p := range patterns {
		r := Run{Pattern: p, Block: block, Sector: sector}
		mem, err := newArena(r.memory(1, buffers{source: r.Block}))
		if err != nil {
			t.Fatal(err)
		}
		src := r.sources(mem, r.Block, 1)()
		for _, off := range []int64{0, 512, 1024, 1536, 4096, 1 << 20, 1<<20 + 512, 9876543 * 512, 1<<62 + 512} {
			for _, n := range []int{512, 8192, block - 512, block} {
				got, want := src.block(off, n), make([]byte, n)
				p.Fill(want, off)
				if !bytes.Equal(got, want) {
					t.Errorf("%s: wrong %d bytes at %d", name, n, off)
				}
				if at := uintptr(unsafe.Pointer(&got[0])); at%alignment != 0 {
					t.Errorf("%s: block at %d is in memory at %#x", name, off, at)
				}
			}
		}
		mem.release()
	}
}

// Offsets that are no multiple of 512 exist only in image files of odd sizes; the bytes must be right all the same.
func TestBlocksAtOddOffsets(t *testing.T) {
	for name, p := range patterns {
		whole := make([]byte, 3000)
		p.Fill(whole, 0)
		r := Run{Pattern: p, Block: 1000, Sector: 1}
		mem, err := newArena(r.memory(1, buffers{source: r.Block}))
		if err != nil {
			t.Fatal(err)
		}
		src := r.sources(mem, r.Block, 1)()
		for off := range 2000 {
			if !bytes.Equal(src.block(int64(off), 1000), whole[off:off+1000]) {
				t.Errorf("%s: wrong bytes at %d", name, off)
				break
			}
		}
		mem.release()
	}
}

// What same says of any part, one after the other, is what Fill says.
func TestSameIsWhatFillGives(t *testing.T) {
	for name, p := range patterns {
		r := Run{Pattern: p, Sector: sector}
		mem, err := newArena(r.memory(1, buffers{source: piece}))
		if err != nil {
			t.Fatal(err)
		}
		src := r.sources(mem, piece, 1)()
		random := rand.New(rand.NewPCG(8, 8))
		for range 100 {
			at := random.Int64N(1 << 50)
			src.seek(at)
			for range 5 {
				part := make([]byte, 1+random.IntN(piece))
				p.Fill(part, at)
				wrong := random.IntN(3) == 0
				if wrong {
					part[random.IntN(len(part))] ^= 1 << random.IntN(8)
				}
				if src.same(part) == wrong {
					t.Errorf("%s: %d bytes at %d, one bit of them wrong: %v; same says %v", name, len(part), at, wrong, !wrong)
				}
				at += int64(len(part))
			}
		}
		mem.release()
	}
}

func TestHexRefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{"0", "zz", "0x00", " 00"} {
		h := Hex{1}
		if err := h.UnmarshalText([]byte(text)); err == nil || !reflect.DeepEqual(h, Hex{1}) {
			t.Errorf("%q: %v, %v", text, h, err)
		}
	}
}
