package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// How long drivers may take to find what is there: then the console says what is slow, and then it is waited for no longer.
const (
	slowAfter = 8 * time.Second
	plugTime  = 20 * time.Second
)

// plug loads drivers, for what is there and for whatever comes, and waits until storage has turned up: not for ever, for a
// drive that is dying must not keep the others from being erased.
func (m *Machine) plug() {
	var err error
	var loaded atomic.Int32
	m.modules, err = openModules(m.args, func(name string, err error) {
		if err != nil {
			m.step("module %s was not loaded: %v", name, err)
		}
		loaded.Add(1)
	})
	m.problem("modules", err)
	m.listen()
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.probe()
	}()
	m.awaitDrivers(done)
	m.problem("efivars", m.mountEFI())
	m.mu.Lock()
	m.plugged = true
	m.mu.Unlock()
	m.step("drivers are loaded: %d modules; drives: %d", loaded.Load(), len(driveNames(blockDir)))
}

// probe returns when everything that was there at the start has been found: when there was no news while all drivers
// were waited for.
func (m *Machine) probe() {
	m.problem("modules.load", m.modules.always())
	m.modules.coldplug("/sys/devices")
	for last := (time.Time{}); m.ctx.Err() == nil && last != m.events.latest(); {
		m.events.settle(func() time.Duration { return calm("/sys/bus/usb/devices") }, plugTime)
		last = m.events.latest()
		m.modules.await()
	}
}

// awaitDrivers waits until done is closed, but not longer than plugTime, and says what it is waiting for.
func (m *Machine) awaitDrivers(done <-chan struct{}) {
	if closedWithin(done, slowAfter) {
		return
	}
	m.step("still waiting for %s", m.slow())
	if closedWithin(done, plugTime-slowAfter) {
		return
	}
	m.problem("slow", fmt.Errorf("not waited for any longer: %s. More drives may still turn up. Next: pull a drive that never does", m.slow()))
	go func() {
		<-done
		m.problem("slow", nil)
		m.step("all drivers have found their devices; drives: %d", len(driveNames(blockDir)))
	}()
}

func closedWithin(done <-chan struct{}, most time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(most):
		return false
	}
}

// slow says what is being waited for, as far as it can be told.
func (m *Machine) slow() string {
	m.look()
	return slowText(m.looks.unanswered(), m.modules.loading())
}

func slowText(drives, modules []string) string {
	var out []string
	for _, name := range drives {
		out = append(out, "the drive "+name+describe(blockDir, name)+", which does not answer")
	}
	if len(modules) > 0 {
		out = append(out, "the drivers "+strings.Join(modules, " "))
	}
	if out == nil {
		return "devices that still turn up, or a controller with a drive that does not answer"
	}
	return strings.Join(out, "; ")
}

func (m *Machine) mountEFI() error {
	if _, err := os.Stat("/sys/firmware/efi"); err != nil {
		return nil
	}
	m.modules.load("efivarfs")
	return efivars.make()
}

// calm is how long nothing may have turned up before all is there. On USB a stick takes a second to be seen at all, and
// another until its partitions are.
func calm(usb string) time.Duration {
	if sticks, _ := filepath.Glob(filepath.Join(usb, "*", "bInterfaceClass")); slices.ContainsFunc(sticks, isStorage) {
		return 3 * time.Second
	}
	if ports, _ := filepath.Glob(filepath.Join(usb, "usb*")); len(ports) > 0 {
		return 2 * time.Second
	}
	return 500 * time.Millisecond
}

func isStorage(path string) bool {
	class, err := os.ReadFile(path)
	return err == nil && strings.TrimSpace(string(class)) == "08"
}
