package nvmetcp

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	fabricsDevice = "/dev/nvme-fabrics"
	controllers   = "/sys/class/nvme"
)

// Link is how the kernel is to keep its connection. Zero leaves a time to the kernel; times are cut to whole seconds.
type Link struct {
	ControllerLoss time.Duration // how long it tries to connect again before it gives the drive up; negative: for ever
	ReconnectDelay time.Duration // between two tries
	FastFail       time.Duration // after that, requests fail while it still tries
	KeepAlive      time.Duration
	Queues         int
}

// Controller is a controller of the kernel's, /dev/nvme0.
type Controller struct{ Name string }

// Connect makes the kernel connect to the subsystem nqn at a TCP address, and returns when it has a controller; the disks
// come a little later. It needs root and the module nvme-tcp, and the subsystem must be served already.
func Connect(address netip.AddrPort, nqn string, link Link) (Controller, error) {
	f, err := os.OpenFile(fabricsDevice, os.O_RDWR, 0)
	if err != nil {
		return Controller{}, fmt.Errorf("connect %s: %w", nqn, err)
	}
	defer f.Close()
	if _, err := f.WriteString(options(address, nqn, link)); err != nil {
		return Controller{}, fmt.Errorf("connect %s: %w", nqn, err)
	}
	answer := make([]byte, 4096)
	n, err := f.Read(answer)
	if err != nil {
		return Controller{}, fmt.Errorf("connect %s: %w", nqn, err)
	}
	return parseInstance(string(answer[:n]))
}

func options(address netip.AddrPort, nqn string, link Link) string {
	var b strings.Builder
	fmt.Fprintf(&b, "transport=tcp,traddr=%s,trsvcid=%d,nqn=%s", address.Addr(), address.Port(), nqn)
	if link.ControllerLoss < 0 {
		b.WriteString(",ctrl_loss_tmo=-1")
	}
	for _, o := range []struct {
		name  string
		value int64
	}{
		{"ctrl_loss_tmo", seconds(link.ControllerLoss)}, {"reconnect_delay", seconds(link.ReconnectDelay)},
		{"fast_io_fail_tmo", seconds(link.FastFail)}, {"keep_alive_tmo", seconds(link.KeepAlive)}, {"nr_io_queues", int64(link.Queues)},
	} {
		if o.value > 0 {
			fmt.Fprintf(&b, ",%s=%d", o.name, o.value)
		}
	}
	return b.String()
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

var instance = regexp.MustCompile(`^instance=([0-9]{1,9}),`)

// parseInstance reads the kernel's answer, "instance=0,cntlid=1".
func parseInstance(answer string) (Controller, error) {
	m := instance.FindStringSubmatch(answer)
	if m == nil {
		return Controller{}, fmt.Errorf("the kernel's answer %q names no controller", answer)
	}
	return Controller{Name: "nvme" + m[1]}, nil
}

// Disks are the kernel's names of the disks that the controller has now, "nvme0n1", in no meaningful order.
func (c Controller) Disks() ([]string, error) {
	subsystems, err := filepath.Glob(filepath.Join(controllers, c.Name, "nvme*n*"))
	if err != nil {
		return nil, fmt.Errorf("disks of %s: %w", c.Name, err)
	}
	var disks []string
	for _, path := range subsystems {
		name := filepath.Base(path)
		if before, after, ok := strings.Cut(name, "c"); ok { // nvme0c1n1 is one path to nvme0n1
			_, number, _ := strings.Cut(after, "n")
			name = before + "n" + number
		}
		disks = append(disks, name)
	}
	return disks, nil
}

// Disconnect makes the kernel give up a controller and its disks. A controller that is gone already is no error.
func (c Controller) Disconnect() error {
	err := os.WriteFile(filepath.Join(controllers, c.Name, "delete_controller"), []byte("1"), 0)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("disconnect %s: %w", c.Name, err)
	}
	return nil
}
