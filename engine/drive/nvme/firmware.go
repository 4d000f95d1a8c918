package nvme

import (
	"errors"
	"fmt"

	"wiped/engine/drive"
)

// firmware orders the controller of one namespace. Nothing in it changes, so that Status may be called at any time.
type firmware struct {
	admin
	nsid uint32
	c    controller
}

func newFirmware(a admin, n drive.Node) (drive.Firmware, error) {
	nsid, err := a.NSID()
	if err != nil {
		return nil, err
	}
	c, err := (&asker{admin: a}).controller()
	if err != nil {
		return nil, err
	}
	if err := sameSerial(c, n); err != nil {
		return nil, fmt.Errorf("%w: %w", drive.ErrChanged, err)
	}
	return &firmware{admin: a, nsid: nsid, c: c}, nil
}

// Erase sends the command and leaves it to the drive to refuse: that it can was asked before.
func (f *firmware) Erase(a drive.Action) error {
	c, err := f.command(a)
	if err != nil {
		return err
	}
	_, err = f.Do(c)
	return refused(err)
}

// command is what Erase sends. Every error is a refusal: nothing was sent yet.
func (f *firmware) command(a drive.Action) (command, error) {
	if _, ok := sanitizes[a]; ok {
		return sanitizeCommand(a, f.c.sanicap), nil
	}
	if _, ok := formats[a]; !ok {
		return command{}, &drive.RefusedError{Why: "NVMe has no " + string(a)}
	}
	ns, err := (&asker{admin: f.admin}).namespace(f.nsid)
	var c command
	if err == nil {
		c, err = ns.formatCommand(a, f.nsid)
	}
	if err != nil {
		return command{}, &drive.RefusedError{Why: "it does not say which format it has, which is to stay as it is", Text: reason(err)}
	}
	return c, nil
}

// Status reads the sanitize log. A Format NVM ends with its command, and the drive keeps no word of it.
func (f *firmware) Status(a drive.Action) (drive.Status, error) {
	if _, ok := formats[a]; ok {
		return drive.Status{Done: -1, Text: "Format NVM leaves no status: the answer to the command is all that there is"}, nil
	}
	if _, ok := sanitizes[a]; !ok {
		return drive.Status{}, drive.ErrUnsupported
	}
	l, err := (&asker{admin: f.admin}).sanitizeLog(f.c.version)
	switch {
	case unknownThere(err) || errors.Is(err, errBlank):
		return drive.Status{Done: -1, Text: reason(err)}, nil
	case err != nil:
		return drive.Status{}, err
	}
	return l.report(sanitizeCommand(a, f.c.sanicap).cdw10), nil
}

// Unhide has nothing to open: a namespace shows all of its blocks.
// Unlock has nothing to open: no order here sets a password.
func (f *firmware) Unlock() error { return nil }

func (f *firmware) Unhide() error { return drive.ErrUnsupported }

// Format is not offered: the block size of a namespace stays what it is.
func (f *firmware) Format(int) error { return drive.ErrUnsupported }

func (f *firmware) Close() error { return nil }
