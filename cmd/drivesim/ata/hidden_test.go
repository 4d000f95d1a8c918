package ata

import (
	"encoding/binary"
	"testing"
)

func (r *rig) sectors() uint64 {
	r.t.Helper()
	var n uint64
	for i := 3; i >= 0; i-- {
		n = n<<16 | uint64(r.word(100+i))
	}
	return n
}

func (r *rig) has(what string, want uint64) {
	r.t.Helper()
	if got := r.sectors(); got != want {
		r.t.Errorf("%s: %d sectors, want %d", what, got, want)
	}
}

// TestUnhide is the whole way: HPA, power cycle, DCO, power cycle.
func TestUnhide(t *testing.T) {
	r := newRig(t, "hpa=16K dco=8K") // 32 and 16 sectors of 256
	r.has("at first", 208)
	r.is("READ past it", r.scsi("2800000000d000000100"), "5/21/00")
	r.is("native max", r.non(0x27, 0, 0, 0), "50 00 0000 ef")
	r.is("DCO RESTORE under a HPA", r.non(0xb1, 0xc0, 0, 0), "51 04 0006 0")
	r.is("SET MAX out of place", r.non(0x37, 0, 1, 0xef), refusal)
	r.non(0x27, 0, 0, 0)
	r.is("SET MAX past the end", r.non(0x37, 0, 1, 0xf0), "51 10 0000 f0")
	r.non(0x27, 0, 0, 0)
	r.is("SET MAX for a while", r.non(0x37, 0, 0, 0xef), "50 00 0000 ef")
	r.has("for a while", 240)
	r.powerCycle()
	r.has("which is over", 208)
	r.non(0x27, 0, 0, 0)
	r.is("SET MAX for good", r.non(0x37, 0, 1, 0xef), "50 00 0000 ef")
	r.non(0x27, 0, 0, 0)
	r.is("a second time", r.non(0x37, 0, 1, 0xee), "51 04 0000 ee")
	r.is("DCO RESTORE too early", r.non(0xb1, 0xc0, 0, 0), "51 04 0003 0")
	r.powerCycle()
	r.has("for good", 240)
	r.is("DCO RESTORE", r.non(0xb1, 0xc0, 0, 0), fine)
	r.powerCycle()
	r.has("all of it", 256)
	r.is("READ of the last", r.scsi("2800000000ff00000100")[:4], "good")
}

func TestConfigurationIdentify(t *testing.T) {
	r := newRig(t, "dco=8K")
	o := r.ata(0xb1, 0xc2, 0, 0, nil)
	var sum byte
	for _, b := range o.Data {
		sum += b
	}
	if len(o.Data) != 512 || sum != 0 || o.Data[510] != 0xa5 || binary.LittleEndian.Uint64(o.Data[6:]) != 255 {
		t.Errorf("%x", o.Data)
	}
	r.is("freeze", r.non(0xb1, 0xc1, 0, 0), fine)
	r.is("restore", r.non(0xb1, 0xc0, 0, 0), "51 04 0001 0")
	frozen := newRig(t, "dco=8K freeze-dco")
	frozen.is("frozen", frozen.non(0xb1, 0xc0, 0, 0), "51 04 0001 0")
	without := newRig(t, "")
	without.is("without", without.non(0xb1, 0xc0, 0, 0), "51 04 0007 0")
}

func TestAccessibleMax(t *testing.T) {
	r := newRig(t, "ama=16K")
	r.has("at first", 224)
	if r.word(82)&(1<<10) != 0 || r.word(119)&(1<<8) == 0 {
		t.Error("it says HPA, or not AMA")
	}
	r.is("HPA", r.non(0x27, 0, 0, 0), refusal)
	r.is("native max", r.non(0x78, 0, 0, 0), "50 00 0000 ff")
	r.is("too much", r.non(0x78, 1, 0, 256), "51 10 0000 100")
	r.is("set", r.non(0x78, 1, 0, 255), "50 00 0000 ff")
	r.is("a second time", r.non(0x78, 1, 0, 100), "51 04 0000 64")
	r.powerCycle()
	r.has("after it", 256)
	r.is("freeze", r.non(0x78, 2, 0, 0), fine)
	r.is("set", r.non(0x78, 1, 0, 100), "51 04 0000 64")
	frozen := newRig(t, "hpa=16K freeze-hpa")
	frozen.non(0x27, 0, 0, 0)
	frozen.is("SET MAX frozen", frozen.non(0x37, 0, 1, 255), "51 04 0000 ff")
}

func TestTwentyEightBits(t *testing.T) {
	r := newRig(t, "hpa=16K")
	native := "8506200000000000000000000040f800"
	o := r.send(native, nil)
	r.is("READ NATIVE MAX ADDRESS", registers(o), "50 00 0000 ff")
	r.is("past the end", registers(r.send("850620"+"0000"+"0001"+"00ff"+"0001"+"0000"+"40f900", nil)), "51 10 0000 1ff")
	r.send(native, nil)
	r.is("SET MAX ADDRESS", registers(r.send("850620"+"0000"+"0001"+"00ff"+"0000"+"0000"+"40f900", nil)), "50 00 0000 ff")
	r.has("then", 256)
}
