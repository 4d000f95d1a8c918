package scsi

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"strings"

	"wiped/engine/drive"
)

const lookAgain = "look at the drive again"

// otherSerial is why a drive of this serial is not the one that the system has; empty: nothing says so. A serial that came from
// elsewhere than from the same page says nothing of this one.
func otherSerial(info drive.Info, now string) string {
	if info.Serial == "" || info.SerialSource != serialSource || now == info.Serial {
		return ""
	}
	return differs("serial", info.Serial, now)
}

// otherName is the same for the device identification page, from which the kernel took the WWN. Which of several names it took
// does not matter: the one that it has must be among them.
func otherName(info drive.Info, page []byte) string {
	number, isNAA := strings.CutPrefix(info.WWN, "0x")
	if !isNAA {
		number = strings.TrimPrefix(info.WWN, "eui.")
	}
	name, err := hex.DecodeString(number)
	if err != nil || len(name) == 0 || len(page) == 0 {
		return ""
	}
	for _, d := range parseDesignators(page) {
		if bytes.Contains(d.value, name) || strings.Contains(strings.ToLower(string(d.value)), number) {
			return ""
		}
	}
	return differs("WWN", info.WWN, worldWide(page))
}

func differs(what, was, is string) string {
	return "it is another drive: its " + what + " was " + was + " and is " + cmp.Or(is, "none")
}

// names asks the drive what it is called, and whether the one that the system has is called so.
func (q *asker) names(has [256]bool) {
	var lost error
	if has[0x80] {
		q.Identity.Serial, lost = q.serial()
	}
	var refused refusal
	if lost == nil || errors.As(lost, &refused) { // an answer, if only that there is none
		q.Another = otherSerial(q.node.Info, q.Identity.Serial)
	}
	if !has[0x83] {
		return
	}
	if page, err := q.page(0x83); err == nil {
		q.Identity.WWN = worldWide(page)
		q.Another = cmp.Or(q.Another, otherName(q.node.Info, page))
	}
}

// ownNames shows the drive's serial and WWN where the system has others.
func (q *asker) ownNames() {
	if own := q.Identity.Serial; own != "" && own != q.node.Info.Serial {
		q.fact("drive's own serial", own, serialSource)
	}
	if own := q.Identity.WWN; own != "" && own != q.node.Info.WWN {
		q.fact("drive's own WWN", own, "VPD page 83h")
	}
}
