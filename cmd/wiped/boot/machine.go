package boot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Options are what boot must be told, because it knows nothing of SSH.
type Options struct {
	Port    int                                      // on which ssh will be answered
	Version string                                   // of the program
	Usable  func(authorizedKeys string) (int, error) // how many lines of the file let somebody in
}

// Machine is a machine that is being, or has been, made a station. Its methods may be called from any goroutine.
type Machine struct {
	Console *Console

	options Options
	ctx     context.Context
	stop    context.CancelFunc
	args    []argument
	modules *modules
	events  *events
	looks   looks
	clock   *clock

	mu       sync.Mutex
	network  *network
	settings Settings
	sources  []given
	fetched  string            // keys from keys_url
	fetching bool              // somebody is at it
	problems map[string]string // topic -> text
	name     string
	state    stateKind
	given    []string // host keys that were given at this boot
	keys     int      // usable ones
	badKeys  string   // why there are none
	visible  bool     // the status block is shown
	ready    bool     // connections are accepted
	prints   []string // fingerprints
}

// Start makes the machine a station: it returns when everything is in place and somebody can log in, or when ctx ends.
// What goes wrong on the way is shown on the console, and the rest goes on.
func Start(ctx context.Context, o Options) (*Machine, error) {
	signal.Ignore(unix.SIGHUP, unix.SIGPIPE) // of a serial line that is pulled
	m := &Machine{options: o, problems: map[string]string{}, events: newEvents(), clock: newClock(buildTime()), name: "wiped"}
	m.ctx, m.stop = context.WithCancel(ctx)
	m.prepare()
	go m.redraw()
	m.plug()
	if err := m.configure(); err != nil {
		return nil, err
	}
	return m, nil
}

// prepare makes what everything else needs: file systems, a console, the arguments.
func (m *Machine) prepare() {
	errs := mountAll()
	var err error
	m.Console, err = openConsole()
	m.problem("console", err)
	m.problem("mounts", errors.Join(errs...))
	line, err := os.ReadFile("/proc/cmdline")
	var argsErr error
	m.args, argsErr = splitArguments(string(line))
	if argsErr == nil && len(line) >= 2047 {
		argsErr = errors.New("the kernel's command line is so long that its end may be missing. Next: use a configuration partition or wiped.keys_url")
	}
	m.problem("arguments", errors.Join(err, argsErr))
	m.step("file systems are mounted")
	go m.seed()
}

// seed makes the kernel gather randomness, which an old machine starts without: it does so only while somebody waits for
// it, and what asks for addresses looks without waiting.
func (m *Machine) seed() {
	begun := time.Now()
	_, _ = rand.Read(make([]byte, 1)) // cannot fail
	if took := time.Since(begun); took > time.Second {
		m.step("randomness took %s to gather", took.Round(time.Second))
	}
}

// plug loads drivers, for what is there and for whatever comes, and waits until storage has turned up.
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
	m.problem("modules.load", m.modules.always())
	m.modules.coldplug("/sys/devices")
	if !m.events.settle(func() time.Duration { return calm("/sys/bus/usb/devices") }, 20*time.Second) {
		m.step("devices still turn up; going on meanwhile")
	}
	m.problem("efivars", m.mountEFI())
	m.step("drivers are loaded: %d modules; block devices: %d", loaded.Load(), len(volumeNames("/sys/class/block")))
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

// listen follows the kernel's news about devices.
func (m *Machine) listen() {
	fd, err := openUevents()
	m.problem("devices", err)
	if err != nil {
		return
	}
	go func() {
		m.problem("devices", listen(fd, m.event, func() { go m.modules.coldplug("/sys/devices") }))
	}()
}

func (m *Machine) event(e uevent) {
	m.events.note(e)
	m.late(e)
	if e.action == "add" && e.modalias != "" {
		go m.modules.loadFor(e.modalias) // a driver may take seconds, and is itself a source of news
	}
}

// look reads the labels of all volumes.
func (m *Machine) look() []volume {
	return m.looks.volumes(volumeNames("/sys/class/block"), readVolume)
}

// step tells the console what was done.
func (m *Machine) step(format string, args ...any) {
	up := unix.Timespec{}
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &up)
	m.Console.Line(fmt.Sprintf("[%5.1f s] ", time.Duration(up.Nano()).Seconds()) + fmt.Sprintf(format, args...))
}

// problem keeps what is wrong about a topic on the console until it is mended, which is when err is nil.
func (m *Machine) problem(topic string, err error) {
	text := oneLine(err)
	m.mu.Lock()
	news := text != "" && m.problems[topic] != text
	delete(m.problems, topic)
	if text != "" {
		m.problems[topic] = text
	}
	m.mu.Unlock()
	if news {
		m.step("PROBLEM: %s", text)
	}
}

// Problems are what is wrong with the machine now, a sentence each.
func (m *Machine) Problems() (out []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, text := range m.problems {
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}

func oneLine(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
