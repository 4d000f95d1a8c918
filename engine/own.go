package engine

import (
	"errors"
	"fmt"
	"strings"

	"wiped/engine/drive"
	"wiped/engine/journal"
)

// Behind a bridge the system may know a drive by the bridge's serial and WWN, which another drive in the same dock has too.
// What the drive itself said when it was confirmed is on record, and held against what it says later.

// errUnsaid says that a drive does not tell its own name, so that nothing speaks for or against it.
var errUnsaid = errors.New("it does not say its own serial")

// sameOwn compares the names that a drive gave itself when it was confirmed with those it gives now: ErrChanged if they
// differ, errUnsaid if it gave some and gives none now.
func sameOwn(rec journal.Drive, now drive.Answers) error {
	compared, known := false, false
	for _, name := range []struct{ what, then, now string }{
		{"own serial", string(rec.OwnSerial), now.Identity.Serial},
		{"own WWN", string(rec.OwnWWN), now.Identity.WWN},
	} {
		if name.then != "" && name.now != "" && name.then != name.now {
			return fmt.Errorf("%w: its %s was %s and is %s", drive.ErrChanged, name.what, name.then, name.now)
		}
		known, compared = known || name.then != "", compared || name.then != "" && name.now != ""
	}
	switch {
	case !known || compared:
		return nil
	case now.Problem != "":
		return fmt.Errorf("%w any more: %s", errUnsaid, now.Problem)
	}
	return fmt.Errorf("%w any more", errUnsaid)
}

// masked tells whether the system knows a drive by other names than its own. What NVMe namespaces are called is made of
// their controller's own serial, and they are to hear no question while one of them is formatted.
func masked(rec journal.Drive) bool {
	return !strings.HasPrefix(rec.Transport, "nvme") &&
		(rec.OwnSerial != "" && string(rec.OwnSerial) != rec.Serial || rec.OwnWWN != "" && rec.OwnWWN != rec.WWN)
}

// ownNames asks the drives of a job, where the system knows them by other names, whether they are still the same.
func (j *job) ownNames(items []Item) error {
	for n, item := range every(items) {
		if rec := j.targets[n].rec; masked(rec) {
			if err := sameOwn(rec, item.drive.Ask()); errors.Is(err, drive.ErrChanged) {
				return err // one that does not answer is asked again when the job has ended
			}
		}
	}
	return nil
}

// stillOwn asks the drives that were just verified the same.
func (j *job) stillOwn() error {
	var all []drive.Drive
	for _, t := range j.targets {
		if !masked(t.rec) {
			continue
		}
		if all == nil {
			var err error
			if all, err = j.e.find(); err != nil {
				return err
			}
		}
		err := drive.ErrGone
		for _, d := range all {
			if d.Info().Path == t.path {
				err = sameOwn(t.rec, d.Ask())
			}
		}
		if err != nil {
			return fmt.Errorf("it is not certain that the drive which was verified is the one that was confirmed: %w", err)
		}
	}
	return nil
}
