//go:build vm

package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Kinds of fault of what wiped stands on.
const (
	stateFull  = "the state directory is full"
	stateFixed = "the state's disk fails, and its file system turns read-only"
	clockJumps = "the clock jumps"
)

// upset are jobs during which something happens to wiped's state or the clock. Nothing is wrong with their drives.
var upset = []struct {
	sick
	harm func(s *sickbay, t *testing.T, name string)
}{
	{sick{story: "full, and room again after the last pass", peer: "ext4", fault: stateFull, makes: slowMap, flags: "--method dod-7", when: `pass 2/8`,
		result: "erased", says: `erased: clear, dod-7, verified full, 0 errors`}, (*sickbay).fillState},
	{sick{story: "400 days forward, 25 years back, and right again", peer: "clock", fault: clockJumps, makes: slowMap, flags: "--method dod-7", when: `pass 2/8`,
		result: "erased", says: `erased: clear, dod-7, verified full, 0 errors, [0-9]{1,2}s,|erased: clear, dod-7, verified full, 0 errors, 1m[0-9]+s,`}, (*sickbay).jumpAbout},
	{sick{story: "25 years back, and left there", peer: "clock", fault: clockJumps, makes: slowMap, flags: "--method dod-7", when: `pass 2/8`,
		result: "erased", says: `erased: clear, dod-7, verified full, 0 errors, [0-9]{1,2}s,|erased: clear, dod-7, verified full, 0 errors, 1m[0-9]+s,`}, (*sickbay).jumpBack},
}

// upsets lets each of these jobs run by itself.
func (s *sickbay) upsets(t *testing.T) {
	for n, c := range upset {
		name := serial("u", n)
		drive := s.confirmed(t, lastWord(s.do(t, name, c.makes)))
		stream, code, ended := s.erase("erase "+drive+" --wait "+c.flags, c.when, func() { c.harm(s, t, name) })
		m := met{Story: c.story, Peer: c.peer, Fault: c.fault, Says: stream}
		id := jobNumber.FindStringSubmatch(stream)
		if id == nil || !ended {
			m.Wrong = append(m.Wrong, fmt.Sprintf("ended: %v, exit code %d", ended, code))
			m.record(t)
			continue
		}
		s.judge(t, c.sick, &m, name, id[1]+id[2], stream, code)
		m.Wrong = append(m.Wrong, s.inTime(id[1]+id[2])...)
		if out, errOut, code := s.ssh("admin", "audit verify"); code != 0 {
			m.Wrong = append(m.Wrong, fmt.Sprintf("audit verify: %d: %s%s", code, out, errOut))
		}
		m.record(t)
		s.setClock(t, time.Now())
		s.do(t, name, "clear")
	}
}

// stateTable is a table for the disk that holds the state.
func stateTable(kind, options string) string {
	return fmt.Sprintf(`echo "0 $(blockdev --getsz /dev/vda) %s /dev/vda 0%s" | dmsetup load state; dmsetup suspend --noudevsync --nolockfs state; dmsetup resume --noudevsync state`, kind, options)
}

// brokenState has the disk that holds the state fail while a job works, so that its file system turns read-only, as ext4 does.
// Nothing is acknowledged from then on. When wiped and the file system were started again on a disk that works, the job is
// interrupted, and is resumed.
func (s *sickbay) brokenState(t *testing.T) {
	const name = "B00"
	c := sick{story: "fails, and wiped is started again on a new one", peer: "ext4 on dm-flakey", fault: stateFixed, result: "erased", says: `erased: clear, dod-7, verified full, 0 errors`}
	drive := s.confirmed(t, lastWord(s.do(t, name, slowMap)))
	stream, _, _ := s.erase("erase "+drive+" --wait --method dod-7", `pass 2/8`, func() {
		s.do(t, "", stateTable("flakey", " 0 600 1 error_writes"))
		s.refusesAll(t)
		if s.lastSaid(t) {
			t.Error("its end was recorded on a disk that fails")
		}
		if said, _, _ := s.does("touch /state/x"); !strings.Contains(said, "Read-only file system") {
			t.Errorf("the file system is not read-only: %s", said)
		}
		s.killServer(t)
		s.do(t, "", `umount /state; `+stateTable("linear", "")+`; mount -t ext4 /dev/dm-0 /state`)
		s.serve(t, "/bin/wiped")
	})
	id := ids(stream)
	if len(id) != 1 || strings.Contains(stream, "erased: ") {
		t.Fatalf("what was said before wiped was started again: %s", stream)
	}
	out, errOut, code := s.ssh("viewer", "job "+id[0]+" --json")
	if !strings.Contains(out, `"state":"interrupted"`) {
		t.Errorf("job %s: %d: %s%s", id[0], code, out, errOut)
	}
	_, confirm, _ := strings.Cut(drive, " ")
	if out, errOut, code := s.ssh("operator", "resume "+id[0]+" "+confirm); code != 0 {
		t.Errorf("resume: %d: %s%s", code, out, errOut)
	}
	stream, errOut, code = s.ssh("operator", "watch "+id[0]+" --since 0")
	m := met{Story: c.story, Peer: c.peer, Fault: c.fault, Says: stream + errOut}
	s.judge(t, c, &m, name, id[0], stream, code)
	m.record(t)
	if out, errOut, code := s.ssh("admin", "audit verify"); code != 0 {
		t.Errorf("audit verify: %d: %s%s", code, out, errOut)
	}
}

// refusesAll: nothing is acknowledged that cannot be kept, and who only looks is served.
func (s *sickbay) refusesAll(t *testing.T) {
	t.Helper()
	for _, command := range []string{"write: it is full", "erase vda --confirm LABSTATE"} {
		if out, errOut, code := s.ssh("operator", command); code == 0 || strings.Contains(out, "saved") || strings.Contains(out, "started") {
			t.Errorf("%s: exit code %d: %s%s", command, code, out, errOut)
		}
	}
	if out, errOut, code := s.ssh("viewer", "drives"); code != 0 {
		t.Errorf("drives: exit code %d: %s%s", code, out, errOut)
	}
}

// unfinished is the state of a job that goes on, or whose end is not on record yet.
var unfinished = regexp.MustCompile(`"state":"(queued|running|verifying)"`)

// lastSaid waits until the only unfinished job says that its end cannot be recorded. recorded is that there is no such job any more: a
// journal may have pages to spare on a disk that is full, and then its end is on record.
func (s *sickbay) lastSaid(t *testing.T) (recorded bool) {
	t.Helper()
	if err := eventually(func() error {
		out, _, _ := s.ssh("viewer", "jobs --json")
		recorded = !unfinished.MatchString(out)
		if !recorded && !strings.Contains(out, "the end cannot be recorded") {
			return fmt.Errorf("no job waits for its end to be recorded: %s", out[max(0, len(out)-700):])
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	return recorded
}

func (s *sickbay) fillState(t *testing.T, _ string) {
	s.do(t, "", `dd if=/dev/zero of=/state/full bs=1024 2>/dev/null || true; dd if=/dev/zero of=/state/full2 bs=512 2>/dev/null || true`)
	s.refusesAll(t)
	if s.lastSaid(t) {
		t.Log("the journal had pages to spare for its end")
	}
	s.do(t, "", `rm /state/full /state/full2`)
}

func (s *sickbay) setClock(t *testing.T, when time.Time) {
	s.do(t, "", `date -u -s '`+when.UTC().Format(time.DateTime)+`' > /dev/null`)
}

func (s *sickbay) jumpAbout(t *testing.T, _ string) {
	for _, when := range []time.Time{time.Now().AddDate(0, 0, 400), time.Now().AddDate(-25, 0, 0), time.Now().Add(time.Hour), time.Now()} {
		s.setClock(t, when)
		time.Sleep(time.Second)
	}
}

func (s *sickbay) jumpBack(t *testing.T, _ string) { s.setClock(t, time.Now().AddDate(-25, 0, 0)) }

// inTime tells what is wrong with the times of a job: its events have growing numbers and readable times, and its certificate
// tells a length that it can have had.
func (s *sickbay) inTime(id string) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	out, _, _ := s.ssh("viewer", "watch "+id+" --since 0 --json")
	last := int64(0)
	for line := range strings.Lines(out) {
		event, err := parseEvent(line)
		if err != nil {
			complain("%v: %s", err, line)
			continue
		}
		if n, _ := event["seq"].(json.Number).Int64(); n <= last {
			complain("event %d after %d", n, last)
		} else {
			last = n
		}
	}
	if last == 0 {
		complain("no events: %s", out)
	}
	text, _, _ := s.ssh("viewer", "certificate "+id+" --format json")
	var c struct {
		Seconds        float64
		Started, Ended time.Time
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil || c.Seconds < 0 || c.Seconds > storyTime.Seconds() {
		complain("the certificate says that it took %f s, from %s to %s (%v)", c.Seconds, c.Started, c.Ended, err)
	}
	return wrong
}
