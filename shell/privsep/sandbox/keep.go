package sandbox

import (
	"fmt"
	"os"
	"slices"

	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Keep gives up, for good, all capabilities of a process of root but those named, such as "cap_sys_admin"; programs that it
// runs get no others either. A process of another user has none to keep, and is left as it is.
func Keep(names ...string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	var keep []cap.Value
	for _, name := range names {
		c, err := cap.FromName(name)
		if err != nil {
			return fmt.Errorf("keep %s: %w", name, err)
		}
		keep = append(keep, c)
	}
	for c := cap.Value(0); c < cap.MaxBits(); c++ {
		if had, err := cap.GetBound(c); err == nil && had && !slices.Contains(keep, c) {
			if err := cap.DropBound(c); err != nil {
				return fmt.Errorf("give up %s: %w", c, err)
			}
		}
	}
	set := cap.GetProc()
	for c := cap.Value(0); c < cap.MaxBits(); c++ {
		if slices.Contains(keep, c) {
			continue
		}
		for _, flag := range []cap.Flag{cap.Effective, cap.Permitted, cap.Inheritable} {
			if err := set.SetFlag(flag, false, c); err != nil {
				return fmt.Errorf("give up %s: %w", c, err)
			}
		}
	}
	if err := set.SetProc(); err != nil {
		return fmt.Errorf("give up capabilities: %w", err)
	}
	return nil
}
