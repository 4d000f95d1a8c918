//go:build vm

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const asideAt = `FAILED: set aside at \d+(\.\d+)?%: `

// hopeless are drives that a job must not wait for. Each is set aside, with how far it came and what it could not do on record.
var hopeless = []sick{
	{story: "slows to 1 %", peer: "drivesim SCSI", fault: slowness, sim: "scsi size=32M slow=40M", flags: "--method gutmann", when: `pass [4-9]/36`,
		then: `/drivesim ctl --control tcp:127.0.0.1:7777 $N slow 400000`, after: `/drivesim ctl --control tcp:127.0.0.1:7777 $N slow 0`, result: "failed", says: asideAt},
	{story: "hangs while it is written", peer: "dm-linear", fault: hanging, makes: slowMap, flags: "--method dod-7", when: `pass 2/8`,
		then: `dmsetup suspend --noudevsync $N`, after: `dmsetup resume --noudevsync $N`, result: "failed", says: asideAt},
	{story: "hangs while it is read back", peer: "dm-linear", fault: hanging, makes: manyBlocks, flags: "--method random", when: `pass 2/2`,
		then: `dmsetup suspend --noudevsync $N --nolockfs --noflush`, after: `dmsetup resume --noudevsync $N`, result: "failed", says: asideAt},
	{story: "a sector is never answered, and the system gives the drive up", peer: "drivesim SCSI", fault: hanging, sim: "scsi size=4M hangs=5000",
		flags: "--method random", result: "failed", says: `FAILED: `},
	{story: "a sector is never answered", peer: "drivesim ATA", fault: hanging, sim: "ata size=4M hangs=5000", flags: "--method zero", result: "failed", says: `FAILED: `},
	{story: "half of it is dead", peer: "dm-error", fault: bothErrors, makes: `back 32768; map "0 16384 linear $B 0" "16384 16384 error"`,
		flags: "--method dod-3", result: "failed", says: asideAt + `.* bytes in a row failed|` + noWrites},
	{story: "each of its errors takes seconds", peer: "dm-error behind dm-delay", fault: bothErrors,
		makes: `echo "0 32768 error" | dmsetup create --noudevsync e$N; dmsetup mknodes e$N; E=/dev/mapper/e$N; back 32768; map "0 100 linear $B 0" "100 32668 delay $E 100 3000 $E 100 3000"`,
		flags: "--method random", result: "failed", says: asideAt},
	{story: "hangs before anybody names it", peer: "dm-linear", fault: hanging, makes: `back 8192; map "0 8192 linear $B 0"`, ready: `dmsetup suspend --noudevsync $N`,
		after: `dmsetup resume --noudevsync $N`, flags: "--method zero", result: "failed|refused", says: `.`},
	{story: "sound, beside hopeless ones", peer: "dm-linear", makes: `back 8192; map "0 8192 linear $B 0"`, flags: "--method dod-3", result: "erased", says: `erased: clear, dod-3`},
	{story: "sound, beside hopeless ones", peer: "drivesim SCSI", sim: "scsi size=4M slow=20M", flags: "--method dod-3", result: "erased", says: `erased: clear, dod-3`},
}

// stuck is a drive that does not answer while its job is told to stop.
var stuck = sick{story: "cancelled while it hangs", peer: "dm-linear", fault: hanging, makes: slowMap, flags: "--method dod-7", when: `pass 2/8`,
	then: `dmsetup suspend --noudevsync $N`, after: `dmsetup resume --noudevsync $N`, result: "cancelled|failed", says: `CANCELLED: |FAILED: `}

// cancelStuck cancels a job whose drive hangs: the job ends although the drive does not answer, and when the drive answers again it
// can be erased.
func (s *sickbay) cancelStuck(t *testing.T) {
	const name = "K00"
	drive := s.confirmed(t, lastWord(s.do(t, name, stuck.makes)))
	var id string
	stream, code, ended := s.erase("erase "+drive+" --wait "+stuck.flags, stuck.when, func() {
		s.do(t, name, stuck.then)
		time.Sleep(2 * time.Second) // all that was under way is out by now
		id = jobs1(s)
		if out, errOut, code := s.ssh("operator", "cancel "+id); code != 0 {
			t.Logf("cancel: %d: %s%s", code, out, errOut)
		}
	})
	m := met{Story: stuck.story, Peer: stuck.peer, Fault: stuck.fault, Says: stream}
	if id == "" || !ended {
		m.Wrong = []string{fmt.Sprintf("job %q, ended %v, exit code %d", id, ended, code)}
		m.record(t)
		return
	}
	s.judge(t, stuck, &m, name, id, stream, code)
	m.record(t)
	s.do(t, name, stuck.after)
	again := sick{story: "answers again after all, and is erased", peer: stuck.peer, result: "erased", says: `erased: clear, zero`}
	if err := eventually(func() error {
		stream, code, _ = s.erase("erase "+drive+" --wait --method zero", "", nil)
		if ids(stream) == nil {
			return fmt.Errorf("exit code %d: %s", code, stream)
		}
		return nil
	}); err != nil {
		t.Error(err)
		return
	}
	m = met{Story: again.story, Peer: again.peer}
	s.judge(t, again, &m, name, ids(stream)[0], stream, code)
	m.record(t)
}

// jobs1 is the job that goes on.
func jobs1(s *sickbay) string {
	out, _, _ := s.ssh("viewer", "jobs --json")
	for part := range strings.SplitSeq(out, "},") {
		if i := strings.Index(part, `"id":`); i >= 0 && strings.Contains(part, `"state":"running"`) {
			return strings.FieldsFunc(part[i+5:], func(r rune) bool { return r < '0' || r > '9' })[0]
		}
	}
	return ""
}
