package boot

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// PowerOff ends the machine. The state must have been closed: it is unmounted. It returns only if the kernel refuses.
func (m *Machine) PowerOff() error { return m.end("power-off", unix.LINUX_REBOOT_CMD_POWER_OFF) }

// Reboot starts the machine afresh, as PowerOff ends it.
func (m *Machine) Reboot() error { return m.end("reboot", unix.LINUX_REBOOT_CMD_RESTART) }

func (m *Machine) end(what string, command int) error {
	m.stop()
	m.Console.Line(what + ": writing everything to disk")
	syncAll()
	for _, dir := range []string{StateDir, configDir} {
		if err := unmount(dir); err != nil {
			m.Console.Line(err.Error())
		}
	}
	m.Console.Line(what + " now. Everything is written: should a drive that does not answer hold it up, use the machine's button")
	m.Console.Flush()
	if err := unix.Reboot(command); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// syncTime is how long drives may take to write what is left.
const syncTime = 20 * time.Second

// syncAll writes everything to disk, as far as all disks answer.
func syncAll() {
	done := make(chan struct{})
	go func() {
		unix.Sync()
		close(done)
	}()
	closedWithin(done, syncTime)
}

// unmount leaves a clean file system behind, even if something in it is still open.
func unmount(dir string) error {
	if !mounted(dir) {
		return nil
	}
	err := unix.Unmount(dir, 0)
	if errors.Is(err, unix.EBUSY) {
		_ = unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
		err = unix.Unmount(dir, unix.MNT_DETACH)
		unix.Sync()
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", dir, err)
	}
	return nil
}

const (
	sleepStates = "/sys/power/state"
	wakeAlarm   = "/sys/class/rtc/rtc0/wakealarm"
)

// Suspend puts the machine to sleep and returns when it is awake again: drives that the firmware froze come back
// unfrozen. It wakes by itself after the given time, for nobody may be there to press the button; with 0 it waits for the
// button.
func (m *Machine) Suspend(after time.Duration) error {
	states, err := os.ReadFile(sleepStates)
	if err != nil || !strings.Contains(" "+strings.TrimSpace(string(states))+" ", " mem ") {
		return errors.New("this machine cannot suspend. Next: power it off and on again, or plug the drive in only after the start")
	}
	m.Console.Line("suspending")
	m.Console.Flush()
	syncAll() // before the alarm is set, for it must not be over before the machine sleeps
	if after > 0 {
		if err := setAlarm(after); err != nil {
			return fmt.Errorf("%w: without it somebody must press the power button to wake the machine. Next: suspend without a time", err)
		}
	}
	if err := os.WriteFile(sleepStates, []byte("mem"), 0); err != nil {
		return fmt.Errorf("suspend: %w", err)
	}
	m.Console.Line("awake again")
	m.clock.poke()
	return nil
}

func setAlarm(after time.Duration) error {
	_ = os.WriteFile(wakeAlarm, []byte("0"), 0) // one that is set already would be an error
	if err := os.WriteFile(wakeAlarm, fmt.Appendf(nil, "+%d", int(after.Seconds())), 0); err != nil {
		return fmt.Errorf("set the wake-up time: %w", err)
	}
	return nil
}
