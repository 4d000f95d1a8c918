//go:build vm

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wiped/cmd/drivesim/nvmetcp"
)

// Kinds of fault of drives that erase themselves.
const (
	killed    = "wiped killed while the drive erases itself"
	powerCut  = "power cut while the drive erases itself"
	unending  = "erases itself for ever"
	deaf      = "hangs while it erases itself"
	forgets   = "forgets its erase"
	failsAway = "its erase fails while nobody watches"
	liesAway  = "keeps everything while nobody watches"
)

// leftAlone are drives that wiped is killed over: it must find out afterwards what became of their erase.
var leftAlone = []sick{
	{story: "still at it", peer: "drivesim SCSI", fault: killed, sim: "scsi size=4M sanitize=block took=25s", result: "erased", says: `erased: purge, sanitize-block`},
	{story: "still at it", peer: "drivesim ATA", fault: killed, sim: "ata size=4M sanitize=block took=25s", result: "erased", says: `erased: purge, sanitize-block`},
	{story: "still at it", peer: "drivesim NVMe", fault: killed, sim: "nvme size=4M took=25s", result: "erased", says: `erased: purge, sanitize-block`},
	{story: "at its end", peer: "drivesim SCSI", fault: killed, sim: "scsi size=4M sanitize=block took=3s", result: "erased", says: `erased: purge, sanitize-block`},
	{story: "a security erase", peer: "drivesim ATA", fault: killed, sim: "ata size=4M security took=10s", flags: "--method security-erase", result: "erased|unknown", says: `erased: |UNKNOWN: `},
	{story: "a format", peer: "drivesim NVMe", fault: killed, sim: "nvme size=4M format-took=10s", flags: "--method format-user-data", result: "erased|unknown", says: `erased: |UNKNOWN: `},
	{story: "fails", peer: "drivesim SCSI", fault: failsAway, sim: "scsi size=4M sanitize=block took=3s fail", result: "failed", says: `FAILED: the drive says that its erase failed`},
	{story: "fails", peer: "drivesim NVMe", fault: failsAway, sim: "nvme size=4M took=3s fail", result: "failed", says: `FAILED: the drive says that its erase failed`},
	{story: "keeps everything", peer: "drivesim SCSI", fault: liesAway, sim: "scsi size=4M sanitize=block took=3s lie", result: "failed", says: still},
	{story: "keeps everything", peer: "drivesim ATA", fault: liesAway, sim: "ata size=4M sanitize=block took=3s lie", result: "failed", says: still},
	{story: "keeps one half", peer: "drivesim NVMe", fault: liesAway, sim: "nvme size=4M took=3s lie-half", result: "failed", says: still},
	{story: "forgets", peer: "drivesim NVMe", fault: forgets, sim: "nvme size=4M took=3s forget=after", result: "unknown", says: `UNKNOWN: the drive knows nothing of the erase`},
}

// endless are drives that wiped gives up. They need a wiped of less patience.
var endless = []sick{
	{story: "hangs", peer: "drivesim SCSI", fault: deaf, sim: "scsi size=4M sanitize=block took=2s hang", result: "unknown", says: `UNKNOWN: the drive does not answer any more`},
	{story: "hangs", peer: "drivesim ATA", fault: deaf, sim: "ata size=4M sanitize=block took=2s hang", result: "unknown", says: `UNKNOWN: the drive does not answer any more`},
	{story: "hangs", peer: "drivesim NVMe", fault: deaf, sim: "nvme size=4M took=2s hang", result: "unknown|failed", says: `UNKNOWN: the drive does not answer any more|FAILED: .*(gone|no such device)`},
	{story: "99 % for ever", peer: "drivesim SCSI", fault: unending, sim: "scsi size=4M sanitize=block took=2s lie-progress", result: "unknown", says: `UNKNOWN: the drive says that it erases itself, and does not get on`},
	{story: "99 % for ever", peer: "drivesim ATA", fault: unending, sim: "ata size=4M sanitize=block took=2s lie-progress", result: "unknown", says: `UNKNOWN: the drive says that it erases itself, and does not get on`},
	{story: "50 % for ever", peer: "drivesim NVMe", fault: unending, sim: "nvme size=4M took=2s never-ends", result: "unknown", says: `UNKNOWN: the drive says that it erases itself, and does not get on`},
}

// begun starts the jobs of drives and waits until each of them is at it. Drives with the same flags are erased by one command: it takes
// a command seconds to look at them all in an emulated machine, and what began first is not to end meanwhile.
func (s *sickbay) begun(t *testing.T, list []sick, name func(n int) string) (ids []string) {
	t.Helper()
	commands := map[string]string{}
	for n, c := range list {
		commands[c.flags] += fmt.Sprintf(" %s --confirm %[1]s", name(n))
	}
	for _, flags := range slices.Backward(slices.Sorted(maps.Keys(commands))) { // those without any last: they are most
		if out, errOut, code := s.ssh("operator", strings.TrimSpace("erase"+commands[flags]+" "+flags)); code != 0 {
			t.Fatalf("erase%s %s: %d: %s%s", commands[flags], flags, code, out, errOut)
		}
	}
	ids = make([]string, len(list))
	for end := time.Now().Add(storyTime); ; time.Sleep(500 * time.Millisecond) { // more often would keep the machine from its work
		var late []string
		jobs := s.erasing(t)
		for n, c := range list {
			j := jobs[name(n)]
			ids[n] = j.ID.String()
			if !s.atIt(j, strings.Contains(c.flags, "security-erase") || strings.Contains(c.flags, "format-")) {
				late = append(late, fmt.Sprintf("%s (%s): %+v", c.story, c.peer, j))
			}
		}
		if late == nil {
			return ids
		}
		if time.Now().After(end) {
			t.Fatalf("not begun: %s", strings.Join(late, "\n"))
		}
	}
}

// selfErasing is a job whose drive erases itself, as far as it is known.
type selfErasing struct {
	ID                    json.Number
	Serial, State, Action string
	Done                  int64 `json:"done_bytes"`
}

// erasing are the newest jobs of all drives, by serial.
func (s *sickbay) erasing(t *testing.T) map[string]selfErasing {
	t.Helper()
	out, errOut, _ := s.ssh("viewer", "jobs --json")
	var jobs []selfErasing
	if err := json.Unmarshal([]byte(out), &jobs); err != nil {
		t.Fatalf("%v: %s%s", err, out, errOut)
	}
	newest := map[string]selfErasing{}
	for _, j := range jobs {
		newest[j.Serial] = j
	}
	return newest
}

// atIt tells whether a drive is at its own erase, or past it. One whose command blocks may tell nothing of it: then that it was sent is enough.
func (s *sickbay) atIt(j selfErasing, blocks bool) bool {
	switch {
	case j.State != "queued" && j.State != "running":
		return j.State != ""
	case j.State == "queued" || !strings.Contains(j.Action, " by the drive"):
		return false
	case j.Done > 0 || !blocks:
		return j.Done > 0
	}
	_, code, err := s.does(`grep -q 'drive told to erase itself" job=` + j.ID.String() + ` ' /run/wiped.log`)
	return err == nil && code == 0
}

// end follows jobs to their end and judges each.
func (s *sickbay) end(t *testing.T, list []sick, ids []string, name func(n int) string) {
	var all sync.WaitGroup
	for n, c := range list {
		if ids[n] == "" {
			continue
		}
		all.Go(func() {
			stream, errOut, code := s.ssh("operator", "watch "+ids[n]+" --since 0")
			m := met{Story: c.story, Peer: c.peer, Fault: c.fault, Says: stream + errOut}
			s.judge(t, c, &m, name(n), ids[n], stream, code)
			m.record(t)
		})
	}
	all.Wait()
}

// killedOver kills wiped while drives erase themselves, and starts it again.
func (s *sickbay) killedOver(t *testing.T, list []sick, prefix string) {
	name := func(n int) string { return serial(prefix, n) }
	s.simulate(t, list, prefix)
	ids := s.begun(t, list, name)
	s.killServer(t)
	time.Sleep(4 * time.Second) // longer than some of them take
	s.serve(t, "/bin/wiped")
	s.end(t, list, ids, name)
	if out, errOut, code := s.ssh("admin", "audit verify"); code != 0 {
		t.Errorf("audit verify: %d: %s%s", code, out, errOut)
	}
}

// outside are drives that have power of their own: they are outside of the machine, and reached over its network.
var outside = []sick{
	{story: "still at it, or done by then", peer: "drivesim NVMe outside", fault: powerCut, sim: "size=4M took=45s", result: "erased", says: `erased: purge, sanitize-block`},
	{story: "done meanwhile", peer: "drivesim NVMe outside", fault: powerCut, sim: "size=4M took=5s sanitize=crypto after=random", flags: "--method sanitize-crypto", result: "erased", says: `erased: purge, sanitize-crypto`},
	{story: "fails", peer: "drivesim NVMe outside", fault: failsAway, sim: "size=4M took=5s fail", result: "failed", says: `FAILED: the drive says that its erase failed`},
	{story: "keeps everything", peer: "drivesim NVMe outside", fault: liesAway, sim: "size=4M took=5s lie", result: "failed", says: still},
	{story: "forgets", peer: "drivesim NVMe outside", fault: forgets, sim: "size=4M took=5s forget=after", result: "unknown", says: `UNKNOWN: the drive knows nothing of the erase`},
}

// cutOver cuts the machine's power while drives outside of it erase themselves, and starts it again.
func (s *sickbay) cutOver(t *testing.T, list []sick, prefix string) {
	name := func(n int) string { return serial(prefix, n) }
	var lines []string
	media := map[string]*nvmetcp.Subsystem{}
	for n, c := range list {
		config, err := nvmetcp.Parse(fmt.Sprintf("name=%s serial=%[1]s %s fill=\"OLD CONTENT \"", name(n), c.sim))
		if err != nil {
			t.Fatal(err)
		}
		drive, err := nvmetcp.New(config, nil)
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = drive.Serve(t.Context(), l) }()
		media[name(n)] = drive
		lines = append(lines, fmt.Sprintf("echo transport=tcp,traddr=10.0.2.2,trsvcid=%d,nqn=%s,nr_io_queues=1,keep_alive_tmo=30 > /dev/nvme-fabrics", l.Addr().(*net.TCPAddr).Port, drive.NQN()))
	}
	s.outside = func(name string) ([]byte, error) { return media[name].Medium(1, 0, 0) }
	defer func() { s.outside = nil }()
	connect := strings.Join(lines, "\n")
	s.killServer(t)
	s.do(t, "", connect)
	s.serve(t, "/bin/wiped")
	ids := s.begun(t, list, name)
	s.kill()
	s.boot()
	s.do(t, "", connect)
	s.serve(t, "/bin/wiped")
	s.end(t, list, ids, name)
}

// impatient builds a wiped that waits for sick drives as long as a test can: a build tag's, so that no setting of the product can make it
// so. It is otherwise the same program.
func impatient(t testing.TB) []byte {
	t.Helper()
	program := filepath.Join(t.TempDir(), "wiped")
	build := exec.Command("go", "build", "-trimpath", "-tags", "impatient", "-ldflags", "-s -w", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
