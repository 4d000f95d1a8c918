package sg

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel reads the header by these places (scsi/sg.h on 64-bit machines).
func TestHeader(t *testing.T) {
	var h header
	if unsafe.Sizeof(h) != 88 {
		t.Errorf("the header has %d bytes; want 88", unsafe.Sizeof(h))
	}
	for _, field := range []struct {
		name      string
		got, want uintptr
	}{
		{"dxfer_direction", unsafe.Offsetof(h.direction), 4}, {"cmd_len", unsafe.Offsetof(h.cdbLength), 8}, {"mx_sb_len", unsafe.Offsetof(h.senseMax), 9},
		{"iovec_count", unsafe.Offsetof(h.iovecs), 10}, {"dxfer_len", unsafe.Offsetof(h.length), 12}, {"dxferp", unsafe.Offsetof(h.data), 16},
		{"cmdp", unsafe.Offsetof(h.cdb), 24}, {"sbp", unsafe.Offsetof(h.sense), 32}, {"timeout", unsafe.Offsetof(h.timeout), 40},
		{"flags", unsafe.Offsetof(h.flags), 44}, {"pack_id", unsafe.Offsetof(h.packID), 48}, {"usr_ptr", unsafe.Offsetof(h.user), 56},
		{"status", unsafe.Offsetof(h.status), 64}, {"masked_status", unsafe.Offsetof(h.maskedStatus), 65},
		{"msg_status", unsafe.Offsetof(h.messageStatus), 66},
		{"sb_len_wr", unsafe.Offsetof(h.senseLength), 67}, {"host_status", unsafe.Offsetof(h.hostStatus), 68},
		{"driver_status", unsafe.Offsetof(h.driverStatus), 70},
		{"resid", unsafe.Offsetof(h.residual), 72}, {"duration", unsafe.Offsetof(h.duration), 76}, {"info", unsafe.Offsetof(h.info), 80},
	} {
		if field.got != field.want {
			t.Errorf("%s is at %d; want %d", field.name, field.got, field.want)
		}
	}
}

// What the kernel hands back, told apart into answers and losses.
func TestResult(t *testing.T) {
	busy := []byte{0x70, 0, 2, 0, 0, 0, 0, 10, 0, 0, 0, 0, 4, 0x1b, 0, 0, 0, 0}
	recovered := []byte{0x72, 1, 0x5d, 0}
	in := Command{CDB: []byte{0x12, 0, 0, 0, 36, 0}, In: make([]byte, 36)}
	out := Command{CDB: []byte{0x12, 0, 0, 0, 36, 0}, Out: make([]byte, 36)}
	for _, test := range []struct {
		what   string
		c      Command
		h      header
		sense  []byte
		status byte
		text   string
		got    int
		lost   bool
	}{
		{what: "good", c: in, text: "status 00h", got: 36},
		{what: "short", c: in, h: header{residual: 30}, text: "status 00h", got: 6},
		{what: "nothing came", c: in, h: header{residual: 36}, text: "status 00h"},
		{what: "less than nothing", c: in, h: header{residual: 37}, text: "status 00h"},
		{what: "more than there is room for", c: in, h: header{residual: -1}, text: "status 00h"},
		{what: "not all was taken", c: out, h: header{residual: 4}, text: "status 00h"},
		{what: "CHECK CONDITION", c: in, h: header{status: CheckCondition, driverStatus: driverSense, senseLength: 18, residual: 36}, sense: busy,
			status: CheckCondition, text: "sense 2/04/1b"},
		{what: "CHECK CONDITION, no sense data", c: in, h: header{status: CheckCondition, residual: 36}, sense: busy, status: CheckCondition,
			text: "no sense data"},
		{what: "sense data longer than the room for it", c: in, h: header{status: CheckCondition, senseLength: 255, residual: 36}, sense: busy,
			status: CheckCondition, text: "sense 2/04/1b"},
		{what: "status hidden", c: in, h: header{senseLength: 18}, sense: busy, status: CheckCondition, text: "sense 2/04/1b", got: 36},
		{what: "good, and recovered", c: in, h: header{senseLength: 4}, sense: recovered, text: "status 00h", got: 36},
		{what: "reserved", c: in, h: header{status: ReservationConflict, residual: 36}, status: ReservationConflict, text: "status 18h"},
		{what: "host: timeout", c: in, h: header{hostStatus: 3}, lost: true, text: "host status 03h", got: 36},
		{what: "driver: timeout", c: in, h: header{driverStatus: 6}, lost: true, text: "driver status 06h", got: 36},
		{what: "host error beside sense data", c: in, h: header{status: CheckCondition, hostStatus: 7, driverStatus: driverSense, senseLength: 18},
			sense: busy, status: CheckCondition, lost: true, text: "host status 07h", got: 36},
	} {
		r, err := test.h.result(test.c, test.sense)
		text := r.String()
		if err != nil {
			text = err.Error()
		}
		if (err != nil) != test.lost || r.Status != test.status || r.Got != test.got || !strings.Contains(text,
			test.text) || r.OK() != (test.status == Good) {
			t.Errorf("%s: %+v, %v; want status %02xh, %d bytes, %q, lost: %v", test.what, r, err, test.status, test.got, test.text, test.lost)
		}
	}
}

// What is no command never reaches the kernel, and what takes none says so.
func TestDo(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "no drive"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ready := make([]byte, 6)
	for what, c := range map[string]Command{
		"no bytes":       {Timeout: time.Second},
		"5 bytes":        {CDB: ready[:5], Timeout: time.Second},
		"17 bytes":       {CDB: make([]byte, 17), Timeout: time.Second},
		"both ways":      {CDB: ready, In: ready, Out: ready, Timeout: time.Second},
		"no time":        {CDB: ready},
		"too little":     {CDB: ready, Timeout: time.Microsecond},
		"backwards":      {CDB: ready, Timeout: -time.Second},
		"50 days":        {CDB: ready, Timeout: 50 * 24 * time.Hour},
		"empty both way": {CDB: ready, In: []byte{}, Out: []byte{}, Timeout: time.Second},
	} {
		if r, err := (File{file}).Do(c); err == nil || !strings.Contains(err.Error(), "not a command") {
			t.Errorf("%s: %+v, %v; want it not to be a command", what, r, err)
		}
	}
	for what, c := range map[string]Command{
		"no data":  {CDB: ready, Timeout: time.Second},
		"in":       {CDB: ready, In: make([]byte, 512), Timeout: 49 * 24 * time.Hour},
		"out":      {CDB: make([]byte, 16), Out: make([]byte, 512), Timeout: time.Millisecond},
		"empty in": {CDB: ready, In: []byte{}, Timeout: time.Second},
	} {
		if r, err := (File{file}).Do(c); !errors.Is(err, unix.ENOTTY) || r.Status != 0 {
			t.Errorf("%s: %+v, %v; want ENOTTY", what, r, err)
		}
	}
}
