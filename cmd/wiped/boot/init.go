package boot

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// mark is in the environment of the process that the first one started.
const mark = "WIPED_BOOT"

// IsInit tells whether the program is the first process of a machine, and not of a container: the kernel calls /init.
func IsInit() bool { return os.Getpid() == 1 && filepath.Base(os.Args[0]) == "init" }

// Supervised tells whether the program was started by Supervise: what Start does must not be done to any other machine.
func Supervised() bool { return os.Getppid() == 1 && os.Getenv(mark) != "" }

// Supervise is the first process: it runs the program again with args as its child and reaps whatever loses its parent.
// It is a process of its own so that the server may have children without anybody stealing their ends, and so that the
// end of the server is not the end of the machine: it is started again. It never returns.
func Supervise(args ...string) {
	if err := mounts[0].make(); err != nil {
		say("%v", err)
	}
	_ = os.WriteFile(helper, []byte("/init"), 0)
	ignoreKeyboard()
	last := ""
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		begun := time.Now()
		end, err := runOnce(args, last)
		if err != nil {
			end = err.Error()
		}
		last = end
		if time.Since(begun) > 10*time.Minute {
			pause = time.Second
		}
		say("the server ended (%s), which it should not. Jobs that it ran are interrupted and can be resumed. It is started again in %s.", end, pause)
		time.Sleep(pause)
	}
}

// runOnce runs the server to its end and says how that was. The server is told how the one before it ended.
func runOnce(args []string, last string) (string, error) {
	pid, err := syscall.ForkExec("/proc/self/exe", append([]string{"wiped"}, args...), &syscall.ProcAttr{
		Env: append(os.Environ(), mark+"=1", endedMark+"="+last, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"), Files: []uintptr{0, 1, 2},
		Sys: &syscall.SysProcAttr{Setsid: true}})
	if err != nil {
		return "", fmt.Errorf("start the server: %w", err)
	}
	for {
		var status syscall.WaitStatus
		switch got, err := syscall.Wait4(-1, &status, 0, nil); {
		case err == syscall.EINTR:
		case err != nil:
			return "", fmt.Errorf("wait for the server: %w", err)
		case got == pid:
			return howEnded(status), nil
		}
	}
}

func howEnded(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "signal " + status.Signal().String()
	}
	return fmt.Sprintf("exit code %d", status.ExitStatus())
}

// ignoreKeyboard keeps Ctrl-Alt-Del from ending a job: who may do that is asked for a key, and no key is typed here. No
// other signal may end the first process either, for the kernel would end with it.
func ignoreKeyboard() {
	_ = os.WriteFile("/proc/sys/kernel/sysrq", []byte("0"), 0) // Alt-SysRq-B would do it, too
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPWR)
	go func() {
		for s := range signals {
			if s == unix.SIGINT {
				say("Ctrl-Alt-Del does nothing here. Next: log in and type reboot or poweroff.")
			}
		}
	}()
}

// say is for the first process, which has no Console.
func say(format string, args ...any) {
	fmt.Fprintln(os.Stderr, "wiped: "+printable(fmt.Sprintf(format, args...)))
}
