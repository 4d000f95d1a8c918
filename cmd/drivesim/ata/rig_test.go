package ata

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/scenario"
	"wiped/cmd/drivesim/store"
	"wiped/cmd/drivesim/target"
)

// rig is a drive without a kernel, on a clock that moves when it is told to.
type rig struct {
	t      testing.TB
	now    time.Time
	drive  *Drive
	medium *store.Store
}

const rigSectors = 256

func newRig(t testing.TB, line string) *rig {
	t.Helper()
	spec, err := scenario.ParseDrive(fmt.Sprintf("ata size=%d took=10s %s", rigSectors*512, line), 1)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, now: time.Unix(1e9, 0), medium: store.Memory(spec.Size)}
	r.medium.Fill(0, spec.Size, store.Repeat{Bytes: spec.Fill})
	r.drive = New(spec, r.medium, func() time.Time { return r.now })
	r.scsi("00") // the unit attention of the power on
	return r
}

func (r *rig) wait(d time.Duration) erase.Event {
	r.now = r.now.Add(d)
	return r.drive.Tick()
}

// powerCycle takes the power away, and takes the unit attention after it.
func (r *rig) powerCycle() {
	r.drive.PowerCycle()
	r.scsi("00")
}

func (r *rig) send(cdb string, out []byte) target.Outcome {
	r.t.Helper()
	b, err := hex.DecodeString(cdb)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.drive.Do(target.Command{CDB: b, Out: out, Room: 1 << 20})
}

func (r *rig) ended(o target.Outcome) target.Outcome {
	for tries := 0; o.Then != nil && tries < 100; tries++ {
		r.now = r.now.Add(o.Wait)
		o = o.Then()
	}
	return o
}

// scsi sends a SCSI command and tells its end in words.
func (r *rig) scsi(cdb string, out ...byte) string {
	r.t.Helper()
	return told(r.send(cdb, out))
}

func told(o target.Outcome) string {
	switch {
	case o.Never:
		return "never"
	case o.Then != nil:
		return "waits"
	case o.Status == target.CheckCondition && len(o.Sense) > 3 && o.Sense[0] == 0x72:
		return fmt.Sprintf("%x/%02x/%02x", o.Sense[1], o.Sense[2], o.Sense[3])
	case o.Status == target.CheckCondition && len(o.Sense) > 13:
		return fmt.Sprintf("%x/%02x/%02x", o.Sense[2], o.Sense[12], o.Sense[13])
	case len(o.Data) > 0:
		return "good " + hex.EncodeToString(o.Data)
	}
	return "good"
}

// ata is a command as ATA PASS-THROUGH(16) that asks for its registers.
func (r *rig) ata(command byte, feature, count uint16, lba uint64, out []byte) target.Outcome {
	r.t.Helper()
	b := make([]byte, 16)
	b[0], b[1], b[2] = 0x85, protocolNonData<<1|1, 0x20
	binary.BigEndian.PutUint16(b[3:], feature)
	binary.BigEndian.PutUint16(b[5:], count)
	for i, shift := range []int{24, 0, 32, 8, 40, 16} {
		b[7+i] = byte(lba >> shift)
	}
	b[13], b[14] = 0x40, command
	c, ok := r.drive.ata.find(Taskfile{Command: command, Feature: feature})
	switch {
	case ok && c.transfer == fromDrive:
		b[1], b[2] = protocolPIOIn<<1|1, 0x2e
		b[6] = max(b[6], 1)
	case ok && c.transfer == toDrive:
		b[1], b[2], b[6] = protocolPIOOut<<1|1, 0x26, 1
	}
	return r.drive.Do(target.Command{CDB: b, Out: out, Room: 1 << 16})
}

// registers tells the ATA Status Return descriptor: status, error, count and LBA.
func registers(o target.Outcome) string {
	if o.Never || o.Then != nil {
		return told(o)
	}
	d := o.Sense
	if o.Status != target.CheckCondition || len(d) < 22 || d[0] != 0x72 || d[8] != 0x09 {
		return fmt.Sprintf("status %02x, sense %x", o.Status, d)
	}
	d = d[8:]
	var lba uint64
	for i, shift := range []int{24, 0, 32, 8, 40, 16} {
		lba |= uint64(d[6+i]) << shift
	}
	return fmt.Sprintf("%02x %02x %04x %x", d[13], d[3], binary.BigEndian.Uint16(d[4:]), lba)
}

// non is a command without data, told by its registers.
func (r *rig) non(command byte, feature, count uint16, lba uint64) string {
	r.t.Helper()
	return registers(r.ata(command, feature, count, lba, nil))
}

const (
	fine    = "50 00 0000 0"
	refusal = "51 04 0000 0"
)

// word is one of IDENTIFY DEVICE.
func (r *rig) word(i int) uint16 {
	r.t.Helper()
	o := r.ata(0xec, 0, 1, 0, nil)
	if len(o.Data) != 512 {
		r.t.Fatalf("IDENTIFY DEVICE: %s", told(o))
	}
	return binary.LittleEndian.Uint16(o.Data[2*i:])
}

func (r *rig) old() (n int) {
	want := make([]byte, r.medium.Size())
	store.Text("OLD CONTENT ").Fill(want, 0)
	for i, b := range r.medium.Bytes() {
		if b == want[i] {
			n++
		}
	}
	return n
}

func (r *rig) is(what, got, want string) {
	r.t.Helper()
	if got != want {
		r.t.Errorf("%s: %s, want %s", what, got, want)
	}
}
