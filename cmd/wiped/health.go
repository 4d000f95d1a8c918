package main

import (
	"context"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/health"
	"wiped/engine/drive/mmc"
)

// healthPatience is how long a listing waits for drives that were not asked for their health yet.
const healthPatience = 3 * time.Second

// smart tells the health of the drives that have one.
type smart struct{ cache *health.Cache }

// Known returns what smartctl said lately.
func (c smart) Known(i drive.Info) drive.Health {
	if h, ok := cardHealth(i); ok || !askable(i) {
		return h
	}
	return c.cache.Get(keyOf(i), healthPatience)
}

// Fresh has smartctl ask the drive.
func (c smart) Fresh(i drive.Info) drive.Health {
	if h, ok := cardHealth(i); ok || !askable(i) {
		return h
	}
	h, err := health.Read(context.Background(), i.Path)
	if err != nil {
		return drive.Health{Word: "unknown", Reasons: []string{drive.Clean(err.Error())}}
	}
	c.cache.Put(keyOf(i), h)
	return h
}

// cardHealth is what the kernel knows of an eMMC's wear; smartctl knows no cards.
func cardHealth(i drive.Info) (h drive.Health, isCard bool) {
	node := drive.Node{Sys: "/sys/block/" + i.Name, Info: i}
	if !(mmc.Set{}).Speaks(node) {
		return h, false
	}
	return mmc.Health(node), true
}

// askable tells whether there is a drive behind it that could know its health.
func askable(i drive.Info) bool {
	switch i.Transport {
	case "file", "loop", "device-mapper", "md", "memory", "virtual", "virtio":
		return false
	}
	return i.Problem == "" && i.Size > 0
}

func keyOf(i drive.Info) health.Key { return health.Key{Path: i.Path, DiskSeq: i.ID.DiskSeq} }
