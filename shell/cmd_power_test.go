package shell

import (
	"strings"
	"testing"
	"time"

	"wiped/auth"
)

// fakeMachine writes down what was done to it.
type fakeMachine struct {
	persistent bool
	did        string
	slept      time.Duration
}

func (m *fakeMachine) PowerOff() error  { m.did += "off "; return nil }
func (m *fakeMachine) Reboot() error    { m.did += "reboot "; return nil }
func (m *fakeMachine) Persistent() bool { return m.persistent }
func (m *fakeMachine) Suspend(after time.Duration) error {
	m.did += "suspend "
	m.slept = after
	return nil
}

// TestSuspendNeedsTime refuses an alarm that would ring before the machine sleeps, which it then does for good.
func TestSuspendNeedsTime(t *testing.T) {
	for _, test := range []struct {
		command string
		code    int
		slept   time.Duration
	}{
		{"suspend", 0, 10 * time.Second}, {"suspend --for 0", 0, 0}, {"suspend --for 2s", 0, 2 * time.Second}, {"suspend --for 1m", 0, time.Minute},
		{"suspend --for 500ms", 2, -1}, {"suspend --for 1999ms", 2, -1}, {"suspend --for -5s", 2, -1}, {"suspend --for 1ns", 2, -1},
	} {
		st, m := newStation(t), &fakeMachine{slept: -1}
		st.Machine = m
		if out, errOut, code := st.exec(auth.Admin, test.command); code != test.code || m.slept != test.slept {
			t.Errorf("%s = %q, %q, exit code %d, slept %s; want %d, %s", test.command, out, errOut, code, m.slept, test.code, test.slept)
		}
	}
}

// TestPowerAsksForWhatWouldBeLost goes through the refusals in the order in which they are mended, each with what the last
// one told to type.
func TestPowerAsksForWhatWouldBeLost(t *testing.T) {
	for _, end := range []struct{ command, did string }{{"poweroff", "off "}, {"reboot", "reboot "}, {"suspend", "suspend "}} {
		st, m := newStation(t, 1<<20), &fakeMachine{}
		st.Machine = m
		try := func(command string, code int, says string) {
			t.Helper()
			if out, errOut, got := st.exec(auth.Admin, command); got != code || !strings.Contains(out+errOut, says) {
				t.Errorf("%s = %q, %q, exit code %d; want %d and %q", command, out, errOut, got, code, says)
			}
		}
		drive, _, _ := st.exec(auth.Viewer, "drives --json")
		_, serial, _ := strings.Cut(drive, `"serial":"`)
		serial, _, _ = strings.Cut(serial, `"`)
		try("erase a.img --method zero --wait --confirm "+serial, 0, "erased")
		try(end.command, 3, "certificate 1 --format json")
		try("certificate 1 --format json", 0, "wiped.certificate/1")
		try(end.command, 3, "certificates of these jobs: 1")
		try("certificate 1 --format sig", 0, "SSH SIGNATURE")
		try(end.command, 3, "Next: signer;")
		if m.did != "" {
			t.Fatalf("%s: the machine did %s", end.command, m.did)
		}
		try("signer", 0, "wiped-certificate")
		try(end.command, 0, "")
		if m.did != end.did {
			t.Errorf("%s: the machine did %q", end.command, m.did)
		}
	}
}

// TestPowerMayLoseWhatItIsToldTo needs neither certificates nor signer where somebody says so, or where they are kept.
func TestPowerMayLoseWhatItIsToldTo(t *testing.T) {
	for _, test := range []struct {
		command    string
		persistent bool
		code       int
	}{
		{"poweroff --lose-certificates", false, 0}, {"suspend --lose-certificates --for 5s", false, 0}, {"poweroff", true, 0}, {"suspend", true, 0}, {"poweroff", false, 3},
	} {
		st := newStation(t, 1<<20)
		st.Machine = &fakeMachine{persistent: test.persistent}
		drive, _, _ := st.exec(auth.Viewer, "drives --json")
		_, serial, _ := strings.Cut(drive, `"serial":"`)
		serial, _, _ = strings.Cut(serial, `"`)
		if _, errOut, code := st.exec(auth.Operator, "erase a.img --method zero --wait --confirm "+serial); code != 0 {
			t.Fatalf("erase: %s", errOut)
		}
		if out, errOut, code := st.exec(auth.Admin, test.command); code != test.code {
			t.Errorf("%s, persistent: %v = %q, %q, exit code %d; want %d", test.command, test.persistent, out, errOut, code, test.code)
		}
	}
}
