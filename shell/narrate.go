package shell

import "context"

// Narrate shows the milestones of every job, a line each, until ctx ends: for the console of an appliance.
func (sh *Shell) Narrate(ctx context.Context, show func(line string)) {
	w := sh.Engine.FollowAll()
	defer w.Close()
	for w.Wait(ctx) == nil {
		news, _ := w.Take()
		for _, u := range news {
			if u.Milestone {
				show(sh.status(u))
			}
		}
	}
}
