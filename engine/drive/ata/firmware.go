package ata

import (
	"errors"
	"sync/atomic"
	"time"

	"wiped/engine/drive"
)

// orderTime is how long a drive may take to accept an order that it carries out later, or at once.
const orderTime = time.Minute

// firmware gives orders.
type firmware struct {
	port
	info drive.Info // the drive as it was confirmed
	now  func() time.Time
	// undone is that the last security erase through here did not come to its end, or not to a good one. A drive without
	// a password proves nothing then.
	undone atomic.Bool
}

// Erase of a security erase returns nil only where the drive was seen to take the password, ended the command with GOOD,
// and was seen to have dropped the password, which it does at the end of an erase.
func (f *firmware) Erase(a drive.Action) error {
	switch a {
	case drive.SanitizeBlock, drive.SanitizeCrypto, drive.SanitizeOverwrite:
		return f.errand().sanitize(a)
	case drive.SecurityErase, drive.SecurityEraseEnhanced:
		f.undone.Store(true)
		err := f.errand().securityErase(a == drive.SecurityEraseEnhanced)
		f.undone.Store(err != nil)
		return err
	}
	return drive.ErrUnsupported
}

// Status of a sanitize action is what SANITIZE STATUS EXT says, of a security erase what IDENTIFY DEVICE says. Neither
// names the command that it speaks of. What another drive says is an error.
func (f *firmware) Status(a drive.Action) (drive.Status, error) {
	switch a {
	case drive.SanitizeBlock, drive.SanitizeCrypto, drive.SanitizeOverwrite:
		s, err := f.sanitizeStatus()
		if st := s.status(); err != nil || st.Phase != drive.Succeeded || !f.known() {
			return st, err
		}
		if _, err := f.same(); err != nil {
			return drive.Status{Done: -1}, err
		}
		return s.status(), nil
	case drive.SecurityErase, drive.SecurityEraseEnhanced:
		id, err := f.same()
		if err != nil {
			return drive.Status{Done: -1}, err
		}
		st := id.securityStatus()
		if st.Phase == drive.Succeeded && f.undone.Load() {
			st.Phase, st.Done, st.Text = drive.None, -1, st.Text+", and none ended well"
		}
		return st, nil
	}
	return drive.Status{Done: -1}, drive.ErrUnsupported
}

// known tells whether there is anything to hold a drive's names against.
func (f *firmware) known() bool { return f.info.SerialSource == page80 || f.info.WWN != "" }

// same asks the drive what it is; the error says that it does not answer, or is another one.
func (f *firmware) same() (identify, error) {
	id, err := f.identify()
	if err != nil {
		return id, err
	}
	if r := f.another(&id, f.info); r != nil {
		return id, errors.New(r.Why)
	}
	return id, nil
}

func (f *firmware) Unlock() error { return f.errand().unlockOwn() }

func (f *firmware) Unhide() error { return f.errand().unhide() }

// Format is not in ATA as far as it is spoken here.
func (f *firmware) Format(int) error { return drive.ErrUnsupported }

// Close has nothing to close: the descriptor belongs to who opened it.
func (f *firmware) Close() error { return nil }
