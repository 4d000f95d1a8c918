package scsi

import (
	"fmt"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// firmware is a claimed drive. It keeps nothing but what was known of the drive when it was confirmed, so that Status can
// be called at any time.
type firmware struct {
	unit
	node drive.Node
}

// prepare leaves the drives of a translator to those who speak ATA.
func prepare(dev sg.Device, n drive.Node) (drive.Firmware, error) {
	f := &firmware{unit{dev}, n}
	if f.translated() {
		return nil, drive.ErrTranslated
	}
	return f, nil
}

// Erase gives the command in its immediate form: no action of this set blocks.
func (f *firmware) Erase(a drive.Action) error {
	o, ok := find(a)
	if !ok {
		return &drive.RefusedError{Why: "SCSI has no command for " + drive.Clean(string(a))}
	}
	if err := f.settle(); err != nil {
		return err
	}
	if a == drive.FormatUnit {
		return f.eraseByFormat()
	}
	cdb, out := sanitize(o.service)
	return f.send(o.name, cdb, out)
}

// send gives an order once. It is not repeated on a unit attention: that can mean that another drive stands there now.
func (f *firmware) send(name string, cdb, out []byte) error {
	r, err := f.dev.Do(sg.Command{CDB: cdb, Out: out, Timeout: orderTime})
	return verdict(name, r, err)
}

// settle hears out the unit attentions of the past and makes sure that nothing runs already, which would be taken for what
// is to be begun, and that the drive behind the descriptor is the one that was confirmed. Nothing is begun if it fails.
func (f *firmware) settle() error {
	c, err := f.condition()
	switch {
	case err != nil:
		return &drive.RefusedError{Why: "it did not answer what it is doing", Text: drive.Clean(err.Error())}
	case c.changed:
		return &drive.RefusedError{Why: "its medium may be another one now", Next: lookAgain}
	case c.state == sanitizing || c.state == formatting:
		return &drive.RefusedError{Why: "it is busy with itself already: " + c.busy(), Next: "wait until that has ended", Text: c.String()}
	}
	return f.same()
}

// same holds what the drive is called now against what was confirmed: a bridge can have got another drive without the kernel's
// notice.
func (f *firmware) same() error {
	info := f.node.Info
	if info.Serial != "" && info.SerialSource == serialSource {
		now, err := f.serial()
		if err != nil {
			return &drive.RefusedError{Why: "it does not say its serial any more", Next: lookAgain, Text: drive.Clean(err.Error())}
		}
		if why := otherSerial(info, now); why != "" {
			return &drive.RefusedError{Why: why, Next: lookAgain}
		}
	}
	if page, err := f.page(0x83); err == nil {
		if why := otherName(info, page); why != "" {
			return &drive.RefusedError{Why: why, Next: lookAgain}
		}
	}
	return nil
}

// Status tells what the sense data prove, which is never which command it was: Named is always false. Succeeded is a drive
// that is ready and has no error on record, whose erase has ended or never began; only who saw it run, or knows that
// it accepted the command, can tell which. A drive that runs or has failed at something else is None with Other set.
func (f *firmware) Status(a drive.Action) (drive.Status, error) {
	if _, ok := find(a); !ok {
		return drive.Status{}, drive.ErrUnsupported
	}
	c, err := f.condition()
	if err != nil {
		return drive.Status{}, err
	}
	if c.state == startingUp {
		return drive.Status{}, fmt.Errorf("it is starting up and cannot tell yet (%s)", c)
	}
	if c.state == ready && a == drive.FormatUnit {
		if said, bad := f.incomplete(); bad {
			return drive.Status{Phase: drive.Failed, Done: -1, Text: said}, nil
		}
	}
	return c.status(a), nil
}

// status reads a condition as an answer about an action.
func (c condition) status(a drive.Action) drive.Status {
	s := drive.Status{Done: -1, Text: c.String()}
	format := a == drive.FormatUnit
	switch c.state {
	case ready:
		s.Phase, s.Done = drive.Succeeded, 1
	case sanitizing, formatting:
		s.Other = format != (c.state == formatting)
		if !s.Other {
			s.Phase, s.Done = drive.Running, c.done()
		}
	case sanitizeFailed:
		s.Phase, s.Other = drive.Failed, format
	case formatFailed, corrupt:
		if s.Other = !format; format {
			s.Phase = drive.Failed
		}
	}
	return s
}

// Unhide has nothing to open: SCSI has no areas of this kind. A capacity that MODE SELECT reduced (SBC-4 section 6.5.2.2)
// cannot be told from a full one, so that no hidden area is ever reported, and is left as it is.
func (*firmware) Unhide() error { return drive.ErrUnsupported }

// Unlock has nothing to open: no order here sets a password.
func (*firmware) Unlock() error { return nil }

// Close leaves the descriptor open.
func (*firmware) Close() error { return nil }
