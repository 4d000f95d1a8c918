package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"wiped/cmd/drivesim/nvmetcp"
)

// nvmeLink is how patient the kernel is with a drive that is away: long enough for one that loses its power for a while, and for
// one whose machine has much else to do.
var nvmeLink = nvmetcp.Link{ControllerLoss: 20 * time.Second, ReconnectDelay: time.Second, KeepAlive: 30 * time.Second}

// nvmeDrives are drives of the kind nvme.
type nvmeDrives []*nvmeDrive

type nvmeDrive struct {
	subsystem  *nvmetcp.Subsystem
	serial     string
	controller nvmetcp.Controller
	stop       context.CancelFunc
}

// serveNVMe makes the drives of these lines and has the kernel connect to them.
func serveNVMe(lines []string) (drives nvmeDrives, err error) {
	if len(lines) > 0 {
		if err := loopbackUp(); err != nil {
			return nil, err
		}
	}
	for _, line := range lines {
		d, err := serveOne(line)
		if err != nil {
			return drives, errors.Join(fmt.Errorf("drive nvme %s: %w", line, err), drives.Close())
		}
		drives = append(drives, d)
	}
	return drives, nil
}

// loopbackUp is for a machine that has just started.
func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bring up the loopback: %w", err)
	}
	defer unix.Close(s)
	r, err := unix.NewIfreq("lo")
	if err == nil {
		err = unix.IoctlIfreq(s, unix.SIOCGIFFLAGS, r)
	}
	if err == nil {
		r.SetUint16(r.Uint16() | unix.IFF_UP)
		err = unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, r)
	}
	if err != nil {
		return fmt.Errorf("bring up the loopback: %w", err)
	}
	return nil
}

func serveOne(line string) (*nvmeDrive, error) {
	config, err := nvmetcp.Parse(line)
	if err != nil {
		return nil, err
	}
	d := &nvmeDrive{serial: strings.TrimSpace(config.Serial)}
	if d.subsystem, err = nvmetcp.New(config, nil); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	go func() { _ = d.subsystem.Serve(ctx, l) }() // a drive that vanished is what was asked for
	d.controller, err = nvmetcp.Connect(l.Addr().(*net.TCPAddr).AddrPort(), d.subsystem.NQN(), nvmeLink)
	if err != nil {
		stop()
		return nil, err
	}
	return d, nil
}

// Obey takes the one order that these drives know: DRIVE read OFFSET LENGTH [NSID], of the medium of a namespace, 1 if none is
// named; length 0 for all of it.
func (n nvmeDrives) Obey(words []string) (answer string, data []byte, known bool, err error) {
	for _, d := range n {
		if d.serial != words[0] {
			continue
		}
		if len(words) == 4 {
			words = append(words, "1")
		}
		if len(words) != 5 || words[1] != "read" {
			return "", nil, true, errors.New("drives of the kind nvme know read OFFSET LENGTH [NSID] alone")
		}
		offset, err1 := strconv.ParseInt(words[2], 10, 64)
		length, err2 := strconv.ParseInt(words[3], 10, 64)
		nsid, err3 := strconv.ParseUint(words[4], 10, 32)
		if err := errors.Join(err1, err2, err3); err != nil {
			return "", nil, true, err
		}
		data, err = d.subsystem.Medium(uint32(nsid), offset, length)
		return strconv.Itoa(len(data)), data, true, err
	}
	return "", nil, false, nil
}

// Close takes the drives away. One that hangs would hang its controller too, so that its end comes first.
func (n nvmeDrives) Close() error {
	var errs []error
	for _, d := range n {
		d.stop()
		errs = append(errs, d.subsystem.Close(), d.controller.Disconnect())
	}
	return errors.Join(errs...)
}
