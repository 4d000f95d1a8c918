package boot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// uevent is what the kernel says about one device.
type uevent struct{ action, modalias, subsystem, device string }

// parseUevent reads a message of the kernel: ACTION@PATH, then NAME=VALUE, each ended by a NUL.
func parseUevent(b []byte) (e uevent, ok bool) {
	fields := strings.Split(string(b), "\x00")
	if !strings.Contains(fields[0], "@") {
		return e, false // udevd's own messages begin with libudev
	}
	for _, f := range fields[1:] {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "ACTION":
			e.action = value
		case "MODALIAS":
			e.modalias = value
		case "SUBSYSTEM":
			e.subsystem = value
		case "DEVNAME":
			e.device = value
		}
	}
	return e, e.action != ""
}

// events is the news about devices.
type events struct {
	mu   sync.Mutex
	last time.Time     // of any news
	bell chan struct{} // holds one value when there is a reason to look at the configuration again
}

func newEvents() *events { return &events{last: time.Now(), bell: make(chan struct{}, 1)} }

func (ev *events) note(e uevent) {
	ev.mu.Lock()
	ev.last = time.Now()
	ev.mu.Unlock()
	if e.subsystem == "block" && e.action != "remove" {
		ev.ring()
	}
}

func (ev *events) ring() {
	select {
	case ev.bell <- struct{}{}:
	default:
	}
}

func (ev *events) quiet() time.Duration {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	return time.Since(ev.last)
}

// await waits for the bell, but no longer than most.
func (ev *events) await(ctx context.Context, most time.Duration) {
	select {
	case <-ctx.Done():
	case <-ev.bell:
	case <-time.After(most):
	}
}

// settle waits until there has been no news for as long as calm says then, but no longer than most, and tells whether it
// became quiet.
func (ev *events) settle(calm func() time.Duration, most time.Duration) bool {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if quiet := ev.quiet(); quiet >= calm() {
			return true
		}
	}
	return false
}

// openUevents opens the kernel's news with room for a rack's worth of drives that turn up at once.
func openUevents() (fd int, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return -1, fmt.Errorf("listen for devices: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("listen for devices: %w", err)
	}
	return fd, nil
}

// listen hands on the kernel's news for as long as the program runs. lost is called when some was lost.
func listen(fd int, hand func(uevent), lost func()) error {
	b := make([]byte, 64<<10)
	for {
		n, from, err := unix.Recvfrom(fd, b, 0)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOBUFS):
			lost()
		case err != nil:
			return fmt.Errorf("listen for devices: %w", err)
		case fromKernel(from):
			if e, ok := parseUevent(b[:n]); ok {
				hand(e)
			}
		}
	}
}

func fromKernel(from unix.Sockaddr) bool {
	netlink, ok := from.(*unix.SockaddrNetlink)
	return ok && netlink.Pid == 0
}
