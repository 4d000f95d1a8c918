package ata

import (
	"bytes"
	"encoding/hex"
	"strings"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// page80 is how the kernel's copy of the page is called where drives are found. SAT-4 has a translator fill it with the drive's
// own serial.
const page80 = "VPD page 80h"

const lookAgain = "look at the drive again"

// another tells that a drive is not the one that the system has, by its serial and WWN where both are known and the serial
// is the drive's; nil: nothing speaks against it.
//
// USB bridges have names of their own in these pages. What one still says of itself, and the drive does not, is such a name.
func (p port) another(id *identify, info drive.Info) *drive.RefusedError {
	now := id.identity()
	for _, name := range []struct {
		what, was, is string
		compare       bool
		bridges       func() bool
	}{
		{"serial", info.Serial, now.Serial, info.Serial != "" && info.SerialSource == page80, func() bool { return p.bridgeSerial() == info.Serial }},
		{"WWN", info.WWN, now.WWN, strings.HasPrefix(info.WWN, "0x") && now.WWN != "", func() bool { return p.bridgeHas(info.WWN) }},
	} {
		if name.compare && name.was != name.is && (info.Transport != "usb" || !name.bridges()) {
			return differs(name.what, name.was, name.is)
		}
	}
	return nil
}

func differs(what, was, is string) *drive.RefusedError {
	if is == "" {
		is = "none"
	}
	return &drive.RefusedError{Why: "it is another drive: its " + what + " was " + was + " and is " + is, Next: lookAgain}
}

// bridgeSerial is the serial that the translator gives now, and bridgeHas tells whether a WWN is among its names now.
func (p port) bridgeSerial() string { return drive.Clean(string(p.page(0x80))) }

func (p port) bridgeHas(wwn string) bool {
	name, err := hex.DecodeString(strings.TrimPrefix(wwn, "0x"))
	return err == nil && len(name) > 0 && bytes.Contains(p.page(0x83), name)
}

// page asks what translates for a page of vital product data, and gives what follows its header; nil if it gives none.
func (p port) page(code byte) []byte {
	const room = 252
	b := make([]byte, room)
	r, err := p.dev.Do(sg.Command{CDB: []byte{0x12, 1, code, 0, room, 0}, In: b, Timeout: question})
	if err != nil || !r.OK() || r.Got < 4 || r.Got > room || b[1] != code {
		return nil
	}
	return b[4:min(r.Got, 4+(int(b[2])<<8|int(b[3])))]
}

// ownNames are the drive's serial and WWN where the system has others, which are a bridge's then.
func ownNames(own drive.Identity, info drive.Info) (facts []drive.Fact) {
	if own.Serial != "" && own.Serial != info.Serial {
		facts = append(facts, drive.Fact{Name: "drive's own serial", Value: own.Serial, Source: "IDENTIFY words 10..19"})
	}
	if own.WWN != "" && own.WWN != info.WWN {
		facts = append(facts, drive.Fact{Name: "drive's own WWN", Value: own.WWN, Source: "IDENTIFY words 108..111"})
	}
	return facts
}

// watcher takes note of a unit attention by which the medium may be another one: SPC-5, 28h NOT READY TO READY CHANGE.
type watcher struct {
	sg.Device
	changed bool
}

const mediumChange = 0x28

func (w *watcher) Do(c sg.Command) (sg.Result, error) {
	r, err := w.Device.Do(c)
	w.changed = w.changed || attention(r) && r.Sense.ASC == mediumChange
	return r, err
}

// attention is the answer to a command that was not begun, because there was news to tell first: SAM-5 section 5.14.
func attention(r sg.Result) bool {
	return r.Status == sg.CheckCondition && r.Sense.Present && r.Sense.Key == sg.UnitAttention && !r.Sense.Deferred
}
