package boot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"wiped/engine/drive/uevent"
)

// Options are what boot must be told, because it knows nothing of SSH.
type Options struct {
	Port    int                                      // on which ssh will be answered
	Version string                                   // of the program
	Usable  func(authorizedKeys string) (int, error) // how many lines of the file let somebody in
	Load    func(hostKeys string) error              // load the folder's keys, having made those that are missing
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
	plugged  bool     // drivers for what was there at the start are loaded
	keys     int      // usable ones
	keysFrom []string // how many of each source
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
	m.problem("ended", lastEnd(endedFile))
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.problem("room", smallMemory(uint64(info.Totalram)*uint64(info.Unit)))
	}
	go m.seed()
}

// leastMemory is in bytes, of those that the kernel has left for others: a machine of 256 MB. With less, initramfs are unpacked
// in part, and what is missing is what came last: the one with the keys.
const leastMemory = 190 << 20

func smallMemory(bytes uint64) error {
	if bytes >= leastMemory {
		return nil
	}
	return fmt.Errorf("this machine has too little memory, %d MB: what was given by an initrd may be missing. Next: use one with 256 MB or more", bytes/1e6)
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

// listen follows the kernel's news about devices.
func (m *Machine) listen() {
	listener, err := uevent.Open()
	m.problem("devices", err)
	if err != nil {
		return
	}
	go func() {
		m.problem("devices", listener.Run(m.ctx, m.event))
		_ = listener.Close()
	}()
}

// event starts what takes longer in the background: a driver may take seconds, and is itself a source of news.
func (m *Machine) event(e uevent.Event) {
	m.events.note(e)
	m.late(e)
	m.announce(e)
	switch {
	case e.Lost:
		go m.modules.coldplug("/sys/devices")
	case e.Action == "add" && e.Modalias != "":
		go m.modules.loadFor(e.Modalias)
	}
}

// look reads the labels of all volumes.
func (m *Machine) look() []volume {
	return m.looks.volumes(volumeNames(blockDir), readVolume)
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
