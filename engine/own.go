package engine

import (
	"errors"
	"fmt"
	"slices"
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
			if err := sameDrive(rec, item.drive.Ask()); errors.Is(err, drive.ErrChanged) {
				return err // one that does not answer is asked again when the job has ended
			}
		}
	}
	return nil
}

// stillOwn asks the drives of a job that comes to its end whether they are still the ones that were confirmed. Silence is no
// sign that they are not, unless the system knows the drive by other names than its own: else it would have seen it go.
func (j *job) stillOwn() error {
	all, err := j.e.surveys.share(j.e.find)
	for _, t := range j.targets {
		at := slices.IndexFunc(all, func(d drive.Drive) bool { return slices.Contains(d.Info().Paths, t.path) })
		is := err
		switch {
		case at >= 0 && (masked(t.rec) || j.e.mute(all[at].Info()) == 0):
			is = sameDrive(t.rec, all[at].Ask())
		case is == nil && at < 0:
			is = drive.ErrGone
		}
		if errors.Is(is, drive.ErrChanged) || is != nil && masked(t.rec) {
			return fmt.Errorf("it is not certain that the drive which is there at the end is the one that was confirmed: %w", is)
		}
	}
	return nil
}

// sameDrive holds what a drive says now against what was confirmed.
func sameDrive(rec journal.Drive, now drive.Answers) error {
	if now.Another != "" {
		return fmt.Errorf("%w: %s", drive.ErrChanged, now.Another)
	}
	return sameOwn(rec, now)
}

// another refuses a drive that is not the one that the system has under its name: whatever is written reaches the wrong one.
func another(item Item) *Refusal {
	if item.Answers.Another == "" {
		return nil
	}
	return refuse(Unsafe, item.Drive.Name, item.Answers.Another, anotherNext(item.Drive))
}

// anotherNext is what helps then: the system looks at a drive as it is when it is plugged in.
func anotherNext(i drive.Info) string {
	return "unplug it and plug it in again, or attach it without what is in between; then drive " + arg(i.Name)
}
