//go:build vm

package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// Kinds of fault of commands that block.
const (
	stoppedTwice = "the server is told twice to stop during a command that blocks"
	killedOver   = "the server is killed during a command that blocks"
	senderKilled = "who sent a command that blocks is killed too"
)

// blockingDrives are at a command that nothing can interrupt when the server goes. until is how long it lasts: several times
// as long as it takes to start the server again.
func blockingDrives(fault, until string) []sick {
	return []sick{
		{story: "a security erase", peer: "drivesim ATA", fault: fault, sim: "ata size=4M security took=" + until, flags: "--method security-erase",
			result: "erased", says: `erased: \w+, security-erase, verified full`},
		{story: "a format", peer: "drivesim NVMe", fault: fault, sim: "nvme size=4M format-took=" + until, flags: "--method format-user-data",
			result: "erased", says: `erased: \w+, format-user-data, verified full`},
		{story: "a security erase that keeps everything", peer: "drivesim ATA", fault: fault, sim: "ata size=4M security lie took=" + until, flags: "--method security-erase",
			result: "failed", says: still},
		{story: "a security erase, and nobody left to hear of its end", peer: "drivesim ATA", fault: senderKilled, sim: "ata size=4M security took=" + until,
			flags: "--method security-erase", result: "unknown", says: `UNKNOWN: the drive never said that it took the command`},
		{story: "a format, and nobody left to hear of its end", peer: "drivesim NVMe", fault: senderKilled, sim: "nvme size=4M format-took=" + until,
			flags: "--method format-user-data", result: "unknown", says: `UNKNOWN: the drive knows nothing of the erase`},
	}
}

// TestFaultsOrders: neither a second SIGTERM nor a kill of the server waits for a drive that is at a command which blocks. The
// next start is possible at once, keeps everybody off the drive, and tells what became of it.
func TestFaultsOrders(t *testing.T) {
	v := prerequisites(t)
	defer tellFaults(t)
	s := v.sickbay(t, nil)
	defer s.kept(t)
	t.Run("stopped twice", func(t *testing.T) { s.leftWith(t, blockingDrives(stoppedTwice, "120s"), "w", s.stopTwice) })
	t.Run("killed", func(t *testing.T) {
		s.endServer(t, "TERM", 0)
		s.leftWith(t, blockingDrives(killedOver, "120s"), "x", func(t *testing.T, _ []string) { s.endServer(t, "KILL", 128+9) })
	})
}

// leftWith leaves drives with their commands, as leave does, and holds all that follows against what must be.
func (s *sickbay) leftWith(t *testing.T, list []sick, prefix string, leave func(t *testing.T, ids []string)) {
	name := func(n int) string { return serial(prefix, n) }
	s.simulate(t, list, prefix)
	s.served(t)
	ids, nodes := make([]string, len(list)), make([]string, len(list))
	for n, c := range list {
		nodes[n] = s.node(t, name(n))
		out, errOut, _ := s.ssh("operator", fmt.Sprintf("erase %s --confirm %[1]s %s", name(n), c.flags))
		id := jobNumber.FindStringSubmatch(out)
		if id == nil {
			t.Fatalf("%s: %s%s", c.story, out, errOut)
		}
		ids[n] = id[1] + id[2]
	}
	s.senders(t, len(list), "every drive is at its command")
	leave(t, ids)
	s.heldBy(t, nodes)
	s.senders(t, len(list), "the server has gone before any of them")
	s.served(t)
	s.senders(t, len(list), "the server was started again before any of them has ended")
	for n, c := range list {
		s.waits(t, ids[n])
		if c.fault == senderKilled {
			s.do(t, "", senderPids+fmt.Sprintf(`for p in $(senders); do if tr '\0' ' ' < /proc/$p/cmdline | grep -q " %s "; then kill -9 $p; fi; done`, nodes[n]))
		}
	}
	s.keptOff(t, ids[0], name(0))
	s.keptOff(t, ids[1], name(1))
	s.senders(t, len(list), "two of them were killed")
	s.endServer(t, "TERM", 0) // nothing holds it up that waits for those that were left
	s.senders(t, len(list), "it ends again before any of them")
	s.served(t)
	for _, id := range ids {
		s.waits(t, id)
	}
	s.end(t, list, ids, name)
	s.senders(t, 0, "all is over")
	if out, errOut, code := s.ssh("admin", "audit verify"); code != 0 {
		t.Errorf("audit verify: %d: %s%s", code, out, errOut)
	}
}

// served starts wiped so that its exit code can be had.
func (s *sickbay) served(t *testing.T) {
	t.Helper()
	s.do(t, "", `cat > /run/wiped.sh <<'END'
/bin/wiped "$@" & echo $! > /run/wiped.child
wait $!; echo $? > /run/wiped.code
END
rm -f /run/wiped.code`)
	s.serve(t, "sh /run/wiped.sh")
}

// endServer sends wiped a signal and waits until it has ended with code.
func (s *sickbay) endServer(t *testing.T, signal string, code int) {
	t.Helper()
	s.do(t, "", fmt.Sprintf(`kill -%s $(cat /run/wiped.child); for i in $(seq 600); do [ -s /run/wiped.code ] && break; sleep 0.1; done; [ "$(cat /run/wiped.code)" = %d ]`, signal, code))
}

// stopTwice tells wiped to stop, sees that it waits and says for which jobs, and tells it again.
func (s *sickbay) stopTwice(t *testing.T, ids []string) {
	t.Helper()
	s.do(t, "", `kill -TERM $(cat /run/wiped.child)`)
	want := regexp.MustCompile(`at a command that nothing can interrupt.*jobs="?\[` + strings.Join(ids, " ") + `\]`)
	if err := eventually(func() error {
		if log := s.do(t, "", "cat /run/wiped.log"); !want.MatchString(log) {
			return fmt.Errorf("it does not name the jobs that hold it up: %s", log)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	s.do(t, "", `sleep 3; [ ! -e /run/wiped.code ]; kill -0 $(cat /run/wiped.child)`)
	s.endServer(t, "TERM", 0)
}

// senderPids lists the processes that have a command to send.
const senderPids = `senders() { grep -lx wiped-order /proc/[0-9]*/comm 2>/dev/null | cut -d/ -f3; }
`

// senders waits until so many processes have a command to send, each with a thread that nothing can end; then none may have gone.
func (s *sickbay) senders(t *testing.T, many int, when string) {
	t.Helper()
	said := ""
	err := eventually(func() error {
		said = s.do(t, "", senderPids+`for p in $(senders); do cat /proc/$p/task/*/status 2>/dev/null | grep -c '^State:.D' || true; done`)
		if got := strings.Count(said, "1"); got != many {
			return fmt.Errorf("%s: %d processes are at a command; want %d", when, got, many)
		}
		return nil
	})
	if err != nil {
		t.Errorf("%v\n%s", err, s.do(t, "", "ps -o pid,stat,args; cat /run/wiped.log"))
	}
}

// node is the kernel's name of a drive.
func (s *sickbay) node(t *testing.T, serial string) string {
	t.Helper()
	out, errOut, _ := s.ssh("viewer", "drive "+serial+" --json")
	var doc struct{ Name string }
	if err := json.Unmarshal([]byte(out), &doc); err != nil || doc.Name == "" {
		t.Fatalf("drive %s: %v: %s%s", serial, err, out, errOut)
	}
	return doc.Name
}

// heldBy: while no server runs nobody can begin to use the drives.
func (s *sickbay) heldBy(t *testing.T, nodes []string) {
	t.Helper()
	for _, node := range nodes {
		said, code, err := s.does(fmt.Sprintf(`mkdir -p /media/m; mount -t ext4 /dev/%s /media/m 2>&1`, node))
		if err != nil || code == 0 || !strings.Contains(said, "busy") {
			t.Errorf("mount of %s at its command: %d, %v: %s", node, code, err, said)
		}
	}
}

// waits: the job is shown as what it is.
func (s *sickbay) waits(t *testing.T, id string) {
	t.Helper()
	if out, errOut, _ := s.ssh("viewer", "job "+id+" --json"); !strings.Contains(out, `"state":"running"`) || !strings.Contains(out, "which an earlier run of the server told it") {
		t.Errorf("job %s: %s%s", id, out, errOut)
	}
}

// keptOff: nobody can cancel the job of a drive at its command, or begin another.
func (s *sickbay) keptOff(t *testing.T, id, name string) {
	t.Helper()
	if out, errOut, code := s.ssh("operator", "cancel "+id); code != 3 || !strings.Contains(errOut, "no drive can be stopped") {
		t.Errorf("cancel %s: %d: %s%s", id, code, out, errOut)
	}
	if out, errOut, code := s.ssh("operator", fmt.Sprintf("erase %s --confirm %[1]s --method zero", name)); code != 3 || !strings.Contains(errOut, "it is being erased by job "+id) {
		t.Errorf("erase %s: %d: %s%s", name, code, out, errOut)
	}
}
