package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// eraser is the nwipe of this machine.
type eraser struct {
	generators []string
	quiet      []string // flags that keep it from doing more than to erase
}

// findNwipe asks nwipe what it can do.
func (l *lab) findNwipe() (eraser, error) {
	out, err := command(l.ctx, "nwipe", "--help").CombinedOutput()
	if err != nil {
		return eraser{}, fmt.Errorf("nwipe --help: %w", err)
	}
	return readNwipeHelp(string(out))
}

var generatorList = regexp.MustCompile(`--prng=METHOD.*?\(([^()]*\|[^()]*)\)`)

func readNwipeHelp(help string) (e eraser, err error) {
	help = strings.ReplaceAll(help, "\n", " ")
	m := generatorList.FindStringSubmatch(help)
	if m == nil {
		return e, errors.New("nwipe --help names no generators")
	}
	for name := range strings.SplitSeq(m[1], "|") {
		if name = strings.TrimSpace(name); name != "twister" && name != "auto" { // the same as mersenne, and a choice of one of the others
			e.generators = append(e.generators, name)
		}
	}
	if strings.Contains(help, "--PDFreportpath") {
		e.quiet = append(e.quiet, "--PDFreportpath=noPDF")
	}
	return e, nil
}

// erase makes one random pass, without verification and without a last pass of zeros. nwipe sees no other device: see jail.
func (e eraser) erase(l *lab, d device, generator string) (moved, error) {
	self, err := os.Executable()
	if err != nil {
		return moved{}, err
	}
	args := append([]string{"jail", d.path, "nwipe", "--autonuke", "--nogui", "--method=random", "--prng=" + generator, "--verify=off",
		"--rounds=1", "--noblank", "--logfile=" + filepath.Join(l.dir, "nwipe.log")}, e.quiet...)
	if others := otherDisks(d); len(others) > 0 {
		args = append(args, "--exclude="+strings.Join(others, ","))
	}
	cmd := command(l.ctx, self, append(args, d.path)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	return measured(d.size, cmd)
}

// otherDisks are those that nwipe is told to leave alone, as many as it takes.
func otherDisks(d device) (list []string) {
	const most = 10
	entries, _ := os.ReadDir("/sys/block")
	for _, e := range slices.Backward(entries) { // the real ones come after the loops
		if e.Name() != d.name() && len(list) < most {
			list = append(list, "/dev/"+e.Name())
		}
	}
	return list
}

// nodes are the devices that a jailed program has besides the one that it is to erase.
var nodes = map[string]uint64{"null": unix.Mkdev(1, 3), "zero": unix.Mkdev(1, 5), "random": unix.Mkdev(1, 8), "urandom": unix.Mkdev(1, 9), "tty": unix.Mkdev(5, 0)}

// jail runs a program in a mount namespace whose /dev holds one block device only. It is a role of bench of its own, started with that
// namespace: jail DEVICE PROGRAM ARG...
func jail(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: jail DEVICE PROGRAM and its arguments")
	}
	ours, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return err
	}
	if theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", os.Getppid())); err != nil || theirs == ours {
		return errors.New("jail must have a mount namespace of its own, or it would cover the /dev of all")
	}
	program, err := exec.LookPath(args[1])
	if err != nil {
		return err
	}
	var stat unix.Stat_t
	if err := unix.Stat(args[0], &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFBLK {
		return fmt.Errorf("%s is no block device: %w", args[0], err)
	}
	if err := unix.Mount("bench", "/dev", "tmpfs", 0, "mode=755,size=1m"); err != nil {
		return fmt.Errorf("cover /dev: %w", err)
	}
	for name, number := range nodes {
		if err := unix.Mknod("/dev/"+name, unix.S_IFCHR|0o666, int(number)); err != nil {
			return fmt.Errorf("make /dev/%s: %w", name, err)
		}
	}
	if err := unix.Mknod(args[0], unix.S_IFBLK|0o600, int(stat.Rdev)); err != nil {
		return fmt.Errorf("make %s: %w", args[0], err)
	}
	return syscall.Exec(program, args[1:], os.Environ())
}

// measured runs a command to its end.
func measured(bytes int64, cmd *exec.Cmd) (moved, error) {
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return moved{}, fmt.Errorf("%s: %w: %s", cmd.Args[0], err, lastLines(out))
	}
	return moved{bytes, time.Since(began), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}

func lastLines(out []byte) string {
	const enough = 400
	text := strings.TrimSpace(string(out))
	return text[max(0, len(text)-enough):]
}
