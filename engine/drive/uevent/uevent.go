// Package uevent tells what the kernel says when devices come, go and change, by its own messages, without udev.
// It knows nothing of drives and opens no device.
package uevent

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Event is what the kernel says about one device. Its text is the kernel's, not the device's, but for Modalias, into which
// some buses put what a device calls itself: it may hold anything but a NUL.
type Event struct {
	Lost      bool   // messages were lost: nothing else is set, and everything has to be looked at again
	Action    string // add, remove, change, move, online, offline, bind, unbind
	DevPath   string // below /sys: /devices/pci0000:00/.../block/sda
	Subsystem string // block, nvme, scsi, usb ...
	DevName   string // below /dev: sda, cciss/c0d0; empty: the device has no node
	DevType   string // of block: disk or partition
	Modalias  string
	DiskSeq   uint64 // of block, since Linux 5.15; 0: not given
	Seqnum    uint64 // counts the kernel's messages, also those that others get
}

// The errors of Parse.
var (
	errHeader = errors.New("it does not begin with ACTION@/PATH")
	errFields = errors.New("it contradicts itself")
)

// Parse reads one message: ACTION@DEVPATH, then NAME=VALUE, each ended by a NUL (Linux, lib/kobject_uevent.c). Names that are
// not known are passed over. The messages that udevd sends, on another group, have another form and are errors.
func Parse(message []byte) (Event, error) {
	header, rest, ended := bytes.Cut(message, []byte{0})
	action, devPath, ok := strings.Cut(string(header), "@")
	if !ok || !ended || !isWord(action) || !strings.HasPrefix(devPath, "/") {
		return Event{}, fmt.Errorf("read a message of the kernel: %w", errHeader)
	}
	e := Event{}
	for field := range bytes.SplitSeq(rest, []byte{0}) {
		name, value, _ := strings.Cut(string(field), "=")
		if err := e.set(name, value); err != nil {
			return Event{}, fmt.Errorf("read a message of the kernel: %s: %w", name, err)
		}
	}
	if e.Action != action || e.DevPath != devPath || !isNode(e.DevName) {
		return Event{}, fmt.Errorf("read a message of the kernel: %w", errFields)
	}
	return e, nil
}

func (e *Event) set(name, value string) (err error) {
	switch name {
	case "ACTION":
		e.Action = value
	case "DEVPATH":
		e.DevPath = value
	case "SUBSYSTEM":
		e.Subsystem = value
	case "DEVNAME":
		e.DevName = value
	case "DEVTYPE":
		e.DevType = value
	case "MODALIAS":
		e.Modalias = value
	case "DISKSEQ":
		e.DiskSeq, err = strconv.ParseUint(value, 10, 64)
	case "SEQNUM":
		e.Seqnum, err = strconv.ParseUint(value, 10, 64)
	}
	return err
}

// isWord is how the kernel's actions look.
func isWord(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == ""
}

// isNode tells whether a name can be that of a node below /dev: nothing that leads out of it, or that no terminal should see.
func isNode(name string) bool {
	if name == "" {
		return true
	}
	return path.Clean("/"+name) == "/"+name && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
