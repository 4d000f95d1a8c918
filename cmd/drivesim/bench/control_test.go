package bench

import (
	"bufio"
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"wiped/cmd/drivesim/scenario"
	"wiped/cmd/drivesim/store"
)

// newBench is drives that no kernel has seen.
func newBench(t *testing.T, lines string) *Bench {
	t.Helper()
	s, err := scenario.Parse(lines)
	if err != nil {
		t.Fatal(err)
	}
	b := &Bench{}
	for _, spec := range s.Drives {
		medium, err := newMedium(spec)
		if err != nil {
			t.Fatal(err)
		}
		b.Drives = append(b.Drives, &Drive{Spec: spec, medium: medium, firmware: NewFirmware(spec, medium, time.Now)})
	}
	return b
}

// TestControl asks over a socket for what a drive holds, past the drive.
func TestControl(t *testing.T) {
	b := newBench(t, "scsi serial=TWIN name=a size=64K\nata serial=TWIN name=b size=64K frozen blank\nscsi serial=S3")
	l, err := b.Listen("tcp:127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	address := "tcp:" + l.Addr().String()
	ask := func(words ...string) string {
		t.Helper()
		answer, data, err := Ask(address, words...)
		if err != nil {
			return "error " + err.Error()
		}
		return answer + string(data)
	}
	zeros := store.Memory(64 << 10).SHA256()
	for question, want := range map[string]string{
		"a read 12 12": "12OLD CONTENT ",
		"S3 read 0 3":  "3OLD",
		"b sha256":     zeros,
		"TWIN sha256":  `error several drives have the serial "TWIN": take a name`,
		"c sha256":     `error there is no drive "c"`,
		"a explode":    `error there is no order "explode"`,
		"a read":       "error read wants OFFSET LENGTH",
		"a swap":       "error swap wants SERIAL",
		"a swap X1":    "",
		"a read x 1":   `error strconv.ParseInt: parsing "x": invalid syntax`,
	} {
		if got := ask(strings.Fields(question)...); got != want {
			t.Errorf("%s: %q, want %q", question, got, want)
		}
	}
	if got := ask("a", "read", "65530", "0"); len(got) != 7 {
		t.Errorf("the last six bytes: %q", got)
	}
	if got := ask("a", "read", "70000", "0"); got != "0" {
		t.Errorf("past the end: %q", got)
	}
	if got := ask("b", "state"); !strings.Contains(got, "frozen true") {
		t.Errorf("before thaw: %s", got)
	}
	ask("b", "thaw")
	if got := ask("b", "state"); strings.Contains(got, "frozen true") {
		t.Errorf("after thaw: %s", got)
	}
}

func TestListenRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := (&Bench{}).Listen("tcp:" + l.Addr().String()); err == nil {
		t.Error("two listen at one address")
	}
}

// FuzzAnswered: the client believes no answer that is not in form.
func FuzzAnswered(f *testing.F) {
	f.Add([]byte("ok 3\nabc"), true)
	f.Add([]byte("error no\n"), false)
	f.Add([]byte("ok 99999999999999\n"), true)
	f.Fuzz(func(t *testing.T, b []byte, withData bool) {
		_, data, err := answered(bufio.NewReader(bytes.NewReader(b)), withData)
		if err == nil && withData && len(data) > len(b) {
			t.Errorf("%q gave %d bytes", b, len(data))
		}
	})
}
