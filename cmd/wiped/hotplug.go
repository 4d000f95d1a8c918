package main

import "wiped/engine/drive/uevent"

// watchDrives has the engine look at its drives whenever the kernel says that some came or went.
func (st *station) watchDrives() {
	look := make(chan struct{}, 1)
	go func() {
		for {
			select {
			case <-look:
				st.engine.LookAgain()
			case <-st.ctx.Done():
				return
			}
		}
	}()
	l, err := uevent.Open()
	if err != nil {
		st.log.Warn("drives that come and go are noticed late", "err", err)
		return
	}
	defer l.Close()
	look <- struct{}{} // what came before anybody listened
	err = l.Run(st.ctx, func(e uevent.Event) {
		if !e.Lost && (e.Subsystem != "block" || e.DevType != "disk") {
			return
		}
		if e.Action == "add" || e.Action == "remove" {
			st.log.Info("drive "+map[string]string{"add": "appeared", "remove": "is gone"}[e.Action], "name", e.DevName)
		}
		select {
		case look <- struct{}{}:
		default: // a look is due already
		}
	})
	if err != nil {
		st.log.Warn("drives that come and go are noticed late", "err", err)
	}
}
