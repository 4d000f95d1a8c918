//go:build vm

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

const hanging = "hangs"

// crowd are 16 drives that one command erases: every second one is sick. The sound ones take the time that device-mapper has them
// wait, so that more work on the machine hardly changes it.
var crowd = []sick{
	{story: "every second sector of a part", peer: "dm-error", fault: bothErrors, result: "failed", says: noWrites, bad: alternate(128), unread: sectors(), differ: sectors(),
		makes: `back 8192; i=0; while [ $i -lt 128 ]; do echo "$i 1 error"; echo "$((i+1)) 1 linear $B $((i+1))"; i=$((i+2)); done > /run/$N.table
echo "128 8064 linear $B 128" >> /run/$N.table; dmsetup create --noudevsync $N < /run/$N.table; D=$(dmsetup info -c --noheadings -o blkdevname $N); here`},
	{story: "every write fails", peer: "dm-flakey", fault: writeErrors, result: "failed", says: `FAILED: `, makes: `back 8192; map "0 8192 flakey $B 0 0 600 1 error_writes"`},
	{story: "every write is dropped", peer: "dm-flakey", fault: droppedAck, result: "failed", says: unlike, makes: `back 8192; map "0 8192 flakey $B 0 0 600 1 drop_writes"`},
	{story: "every request is written with one wrong byte", peer: "dm-flakey", fault: corrupted, result: "failed", says: unlike,
		makes: `back 8192; map "0 8192 flakey $B 0 0 600 5 corrupt_bio_byte 100 w 65 0"`},
	{story: "four seconds for each request", peer: "dm-delay", fault: slowness, result: "erased", says: `erased: `, makes: `back 8192; map "0 8192 delay $B 0 4000 $B 0 4000"`},
	{story: "suspended until all others have ended", peer: "dm-linear", fault: hanging, result: "erased|failed", says: `.`,
		makes: `back 8192; map "0 8192 delay $B 0 500 $B 0 500"`, then: `dmsetup suspend --noudevsync $N`, after: `dmsetup resume --noudevsync $N`},
	{story: "shrinks", peer: "dm-linear", fault: resized, result: "failed", says: `FAILED: .*it had 4194304 bytes and has 2097152`,
		makes: `back 8192; map "0 8192 delay $B 0 3000 $B 0 3000"`, then: `remap "0 4096 linear $B 0"`},
	{story: "unplugged", peer: "drivesim SCSI", fault: vanishing, result: "failed", says: lost, sim: "scsi size=4M slow=1M",
		then: `/drivesim ctl --control tcp:127.0.0.1:7777 $N vanish`},
}

// sound is what stands between two of them.
var sound = sick{story: "sound, among sick ones", peer: "dm-delay", result: "erased", says: `erased: clear, dod-3, verified full, 0 errors`,
	makes: `back 8192; map "0 8192 delay $B 0 1500 $B 0 1500"`}

// alternate is every second one of so many sectors.
func alternate(n int64) []area {
	var pairs []int64
	for i := int64(0); i < n; i += 2 {
		pairs = append(pairs, i, 1)
	}
	return sectors(pairs...)
}

// heldUp is how much longer than without sick drives beside it a sound drive may take.
const heldUp = 3

// mixed are the sick drives with sound ones between.
func mixed() (all []sick) {
	for _, c := range crowd {
		all = append(all, c, sound)
	}
	return all
}

// together erases the sound drives by themselves, then all 16 at once.
func (s *sickbay) together(t *testing.T) {
	all := mixed()
	s.simulate(t, all, "c")
	var words, soundWords []string
	for n, c := range all {
		name, drive := serial("c", n), serial("c", n)+" --confirm "+serial("c", n)
		if c.makes != "" {
			drive = s.confirmed(t, lastWord(s.do(t, name, c.makes)))
		}
		if words = append(words, drive); c.story == sound.story {
			soundWords = append(soundWords, drive)
		}
	}
	stream, code, _ := s.erase("erase "+strings.Join(soundWords, " ")+" --wait --method dod-3", "", nil)
	if code != 0 {
		t.Fatalf("sound drives alone: exit code %d: %s", code, stream)
	}
	alone := s.slowest(t, ids(stream))
	s.do(t, "", `for f in /media/C??; do dd if=/media/old of=$f bs=1M count=4 conv=notrunc 2>/dev/null; done`)
	harm := func() {
		for n, c := range all {
			if c.then != "" {
				s.do(t, serial("c", n), c.then)
			}
		}
		s.release(t, all)
	}
	stream, code, ended := s.erase("erase "+strings.Join(words, " ")+" --wait --method dod-3", `pass 1/4`, harm)
	started := ids(stream)
	if len(started) != len(all) || !ended || code != 1 {
		t.Fatalf("%d jobs, ended %v, exit code %d: %s", len(started), ended, code, stream)
	}
	var sounds []string
	for n, c := range all {
		m := met{Story: c.story, Peer: c.peer, Fault: c.fault}
		s.judge(t, c, &m, serial("c", n), started[n], stream, -1)
		m.record(t)
		if c.fault == "" {
			sounds = append(sounds, started[n])
		}
		if c.makes != "" {
			s.do(t, serial("c", n), "clear")
		}
	}
	among := s.slowest(t, sounds)
	t.Logf("the slowest of %d sound drives: %.1f s alone, %.1f s among sick ones", len(sounds), alone, among)
	if among > heldUp*alone {
		t.Errorf("sound drives were held up: %.1f s alone, %.1f s among sick ones", alone, among)
	}
}

// release lets the suspended drives go once all jobs but theirs have ended.
func (s *sickbay) release(t *testing.T, all []sick) {
	held := 0
	for _, c := range all {
		if c.after != "" {
			held++
		}
	}
	if err := eventually(func() error {
		out, _, _ := s.ssh("viewer", "jobs --json")
		var jobs []struct{ Result *string }
		if err := json.Unmarshal([]byte(out), &jobs); err != nil {
			return err
		}
		going := 0
		for _, j := range jobs {
			if j.Result == nil {
				going++
			}
		}
		if going > held {
			return fmt.Errorf("%d jobs go on besides the suspended drive's", going-held)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	for n, c := range all {
		if c.after != "" {
			s.do(t, serial("c", n), c.after)
		}
	}
}

// slowest is how many seconds the longest of some jobs took, as they say themselves.
func (s *sickbay) slowest(t *testing.T, list []string) (seconds float64) {
	for _, id := range list {
		out, _, _ := s.ssh("viewer", "job "+id+" --json")
		var job struct{ Started, Ended time.Time }
		if err := json.Unmarshal([]byte(out), &job); err != nil || !job.Ended.After(job.Started) {
			t.Errorf("job %s: %v: %s", id, err, out)
		}
		seconds = max(seconds, job.Ended.Sub(job.Started).Seconds())
	}
	return seconds
}
