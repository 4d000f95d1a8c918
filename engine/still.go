package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"wiped/engine/drive"
)

// stillSo holds what a drive says just before the first command that changes it against what was planned: that it is the one
// that was confirmed, that no hidden area has come to light, and for a method by the drive itself that it can still do it, is not at something else, and reaches
// nothing that was not confirmed.
func (j *job) stillSo(t target, a drive.Answers) error {
	if err := sameDrive(t.rec, a); err != nil {
		return err
	}
	if why := unseen(a); why != "" && !strings.Contains(string(t.rec.HiddenAreas), keptHidden) {
		return fmt.Errorf("it may have a hidden area, which erasing would not reach: %s", why)
	}
	if len(a.Hidden) > 0 && !strings.Contains(string(t.rec.HiddenAreas), keptHidden) {
		return fmt.Errorf("it has a hidden area now, which erasing would not reach: %s", hiddenAreas(a.Hidden))
	}
	if !j.plan.action {
		if a.Locked != "" {
			return errors.New(a.Locked)
		}
		return nil
	}
	ability, ok := a.Ability(drive.Action(j.rec.Method.Action))
	switch {
	case a.Problem != "":
		return errors.New("it does not say any more what it can do: " + a.Problem)
	case !ok || ability.Why != "":
		return fmt.Errorf("it cannot do %s any more: %s", j.rec.Method.Name, ability.Why)
	case a.Busy != "":
		return errors.New("it is at something already: " + a.Busy)
	case ability.Blocks != j.rec.Method.Blocks:
		return errors.New("it would do it in another way than was planned")
	}
	for _, r := range ability.Reaches {
		if !slices.ContainsFunc(j.targets, func(t target) bool {
			return r.Name != "" && slices.ContainsFunc(t.paths, func(p string) bool { return strings.TrimPrefix(p, "/dev/") == r.Name })
		}) {
			return fmt.Errorf("%s would also erase %s now, which nobody confirmed", j.rec.Method.Name, strings.TrimSpace(r.Name+" "+r.What))
		}
	}
	return nil
}
