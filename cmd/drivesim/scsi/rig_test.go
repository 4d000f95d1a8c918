package scsi

import (
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/scenario"
	"wiped/cmd/drivesim/store"
	"wiped/cmd/drivesim/target"
)

// rig is a disk without a kernel, on a clock that moves when it is told to.
type rig struct {
	t      testing.TB
	now    time.Time
	disk   *Disk
	medium *store.Store
}

const rigSize = 64 << 10 // 128 sectors of 512 bytes

func newRig(t testing.TB, line string) *rig {
	t.Helper()
	spec, err := scenario.ParseDrive(fmt.Sprintf("scsi size=%d took=10s %s", rigSize, line), 1)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, now: time.Unix(1e9, 0), medium: store.Memory(spec.Size)}
	r.medium.Fill(0, spec.Size, store.Repeat{Bytes: spec.Fill})
	r.disk = New(spec, r.medium, func() time.Time { return r.now })
	r.cdb("00") // the unit attention of the power on
	return r
}

// wait lets time pass, and returns what happened to the whole drive.
func (r *rig) wait(d time.Duration) erase.Event {
	r.now = r.now.Add(d)
	return r.disk.Tick()
}

// begin sends a command and returns what comes at once.
func (r *rig) begin(cdb string, out ...byte) target.Outcome {
	r.t.Helper()
	b, err := hex.DecodeString(cdb)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.disk.Do(target.Command{CDB: b, Out: out, Room: 1 << 20})
}

// ended is what becomes of a command, as long as that takes.
func (r *rig) ended(o target.Outcome) target.Outcome {
	for tries := 0; o.Then != nil && tries < 100; tries++ {
		r.now = r.now.Add(o.Wait)
		o = o.Then()
	}
	return o
}

// cdb sends a command and tells its end in words: "good", "good" with data in hex, "5/24/00", "never", "waits".
func (r *rig) cdb(cdb string, out ...byte) string {
	r.t.Helper()
	return words(r.begin(cdb, out...))
}

func words(o target.Outcome) string {
	switch {
	case o.Never:
		return "never"
	case o.Then != nil:
		return "waits"
	case o.Status == target.CheckCondition:
		return sense(o.Sense)
	case len(o.Data) > 0:
		return "good " + hex.EncodeToString(o.Data)
	}
	return "good"
}

// sense tells sense data of the fixed format, with the progress in percent where there is one.
func sense(b []byte) string {
	if len(b) < 18 || b[0]&0x7f != 0x70 {
		return hex.EncodeToString(b)
	}
	text := fmt.Sprintf("%x/%02x/%02x", b[2], b[12], b[13])
	if b[15]&0x80 != 0 {
		text += fmt.Sprintf(" %d%%", (int(b[16])<<8|int(b[17]))*100/65536)
	}
	return text
}

// asked is what REQUEST SENSE says.
func (r *rig) asked() string {
	o := r.begin("030000001200")
	if o.Status != target.Good {
		return "status"
	}
	return sense(o.Data)
}

// old counts the bytes that are as they were at first.
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
