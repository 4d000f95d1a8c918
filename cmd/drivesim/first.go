package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What a machine has that is started with rdinit=/drivesim.
const (
	scenarioFile = "/etc/drivesim"                  // the drives
	moduleFolder = "/usr/lib/drivesim"              // the kernel modules that they need
	moduleList   = "/usr/lib/drivesim/modules.list" // their files with parameters, each after those that it needs
	nextProgram  = "/init"                          // which becomes the first process
	scriptFile   = "/etc/drivesim.sh"               // if it is there: all that the machine is for, without drives and that program
)

// scriptPath is where a script finds its programs.
const scriptPath = "/usr/sbin:/usr/bin:/sbin:/bin"

// upDeadline is how long the drives may take to come up.
const upDeadline = 60 * time.Second

// firstProcess makes the drives in a process of its own, and becomes the program that the machine is really for. Whatever goes
// wrong is said on the console, and that program starts all the same: what it tests will then not be there.
func firstProcess() {
	if _, err := os.Stat(scriptFile); err == nil {
		runScript()
	}
	if err := errors.Join(mountAll(), loadModules(), raiseLoopback(), startDrives()); err != nil {
		fmt.Fprintln(os.Stderr, "drivesim: THE DRIVES ARE NOT UP:", err)
	} else {
		fmt.Fprintln(os.Stderr, "drivesim: the drives are up")
	}
	err := syscall.Exec(nextProgram, slices.Concat([]string{nextProgram}, os.Args[1:]), os.Environ())
	fmt.Fprintf(os.Stderr, "drivesim: start %s: %v\n", nextProgram, err)
	select {} // the end of the first process would be the end of the kernel, and of this message
}

// runScript lets the script have the machine, says how it ended, and switches the machine off.
func runScript() {
	if err := errors.Join(mountAll(), loadModules(), os.Setenv("PATH", scriptPath)); err != nil {
		fmt.Fprintln(os.Stderr, "drivesim:", err)
	}
	c := exec.Command("sh", scriptFile)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	err := c.Run()
	fmt.Fprintf(os.Stderr, "drivesim: the script ended with %d (%v)\n", c.ProcessState.ExitCode(), err)
	unix.Sync()
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Fprintln(os.Stderr, "drivesim: switch off:", err)
	}
	select {} // as above
}

// mountAll mounts what is needed and is not mounted already.
func mountAll() error {
	var errs []error
	for _, m := range []struct {
		kind, target string
		flags        uintptr
	}{
		{"proc", "/proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"sysfs", "/sys", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"devtmpfs", "/dev", unix.MS_NOSUID | unix.MS_NOEXEC},
	} {
		errs = append(errs, mount(m.kind, m.target, m.flags))
	}
	return errors.Join(errs...)
}

func mount(kind, target string, flags uintptr) error {
	var mounted, above unix.Stat_t
	if unix.Stat(target, &mounted) == nil && unix.Stat(filepath.Dir(target), &above) == nil && mounted.Dev != above.Dev {
		return nil
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return fmt.Errorf("mount %s: %w", target, err)
	}
	if err := unix.Mount(kind, target, kind, flags, ""); err != nil && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("mount %s: %w", target, err)
	}
	return nil
}

// loadModules loads the modules of the list in its order, and mounts what the first of them brings.
func loadModules() error {
	list, err := os.Open(moduleList)
	if err != nil {
		return fmt.Errorf("load modules: %w", err)
	}
	defer list.Close()
	var errs []error
	for lines := bufio.NewScanner(list); lines.Scan(); {
		if name := strings.TrimSpace(lines.Text()); name != "" && !strings.HasPrefix(name, "#") {
			file, params, _ := strings.Cut(name, " ")
			errs = append(errs, loadModule(filepath.Join(moduleFolder, filepath.Base(file)), params))
		}
	}
	return errors.Join(append(errs, mount("configfs", "/sys/kernel/config", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC))...)
}

// loadModule leaves alone what is there already.
func loadModule(path, params string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("load module: %w", err)
	}
	defer f.Close()
	flags := 0
	if !strings.HasSuffix(path, ".ko") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	if err := unix.FinitModule(int(f.Fd()), params, flags); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("load module %s: %w", filepath.Base(path), err)
	}
	return nil
}

// raiseLoopback is for the NVMe drives, which the kernel meets over it.
func raiseLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("raise the loopback: %w", err)
	}
	defer unix.Close(socket)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("raise the loopback: %w", err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("raise the loopback: %w", err)
	}
	return nil
}

// startDrives starts the drives in a process of their own and waits until they are up.
func startDrives() error {
	reader, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start the drives: %w", err)
	}
	defer reader.Close()
	_, err = syscall.ForkExec("/proc/self/exe", []string{"drivesim", "serve", "--scenario", scenarioFile, "--ready", "3"},
		&syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2, writer.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true}})
	writer.Close()
	if err != nil {
		return fmt.Errorf("start the drives: %w", err)
	}
	if err := reader.SetReadDeadline(time.Now().Add(upDeadline)); err != nil {
		return fmt.Errorf("start the drives: %w", err)
	}
	if line, err := bufio.NewReader(reader).ReadString('\n'); err != nil || line != "ready\n" {
		return fmt.Errorf("start the drives: they do not come up: %w", err)
	}
	return nil
}
