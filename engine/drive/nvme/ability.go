package nvme

import "wiped/engine/drive"

// obstacle is a reason why an action is not possible now.
type obstacle struct {
	there     bool
	why, next string
}

// first finds the first obstacle that is there.
func first(obstacles ...obstacle) obstacle {
	for _, o := range obstacles {
		if o.there {
			return o
		}
	}
	return obstacle{}
}

// reason words an error, if there is one. What a drive says of itself was escaped where it was read.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

const sanitizeAgain = "only a sanitize that succeeds brings the drive back"

func (v *view) abilities() []drive.Ability {
	return []drive.Ability{
		v.sanitize(drive.SanitizeBlock), v.sanitize(drive.SanitizeOverwrite), v.sanitize(drive.SanitizeCrypto),
		v.formatNVM(drive.FormatCrypto), v.formatNVM(drive.FormatUserData),
	}
}

func (v *view) sanitize(a drive.Action) drive.Ability {
	o := first(
		obstacle{v.problem != "", "its answers prove nothing: " + v.problem, "unplug it and plug it in again"},
		obstacle{v.c.sanicap == 0, "the drive has no Sanitize command", ""},
		obstacle{!v.c.sanicap.has(a), "its Sanitize command has no " + sanitizes[a].name, ""},
		obstacle{v.logErr != nil, "its sanitize log cannot be read, so that it could not be followed: " + reason(v.logErr), ""},
		v.underWay(),
		obstacle{!v.log.known(), "its sanitize log shows a state that is not known here", ""},
		obstacle{v.reachErr != nil, "it cannot be told what else it would erase: " + reason(v.reachErr), ""},
		v.protected(),
		obstacle{v.unreadable && !v.c.sanicap.leavesAllocated(a), deallocatedWhy, deallocatedNext},
	)
	ability := drive.Ability{Action: a, Why: o.why, Next: o.next}
	if v.c.sanicap.has(a) {
		ability.Takes, ability.Reaches = v.log.takes(a), v.reaches
	}
	if o.why == "" && v.log.state() == sanitizeFailed {
		ability.Next = "the last sanitize of this drive failed: " + sanitizeAgain
	}
	return ability
}

func (v *view) formatNVM(a drive.Action) drive.Ability {
	_, formatErr := v.ns.formatCommand(a, v.nsid)
	reaches, reachErr := v.formatReaches()
	o := first(
		obstacle{v.problem != "", "its answers prove nothing: " + v.problem, "unplug it and plug it in again"},
		obstacle{!v.c.canFormat(), "the drive has no Format NVM command", ""},
		obstacle{a == drive.FormatCrypto && !v.c.formatCrypto(), "its Format NVM command has no cryptographic erase", ""},
		obstacle{formatErr != nil, "its present format could not be kept: " + reason(formatErr), ""},
		v.underWay(),
		obstacle{v.logErr == nil && v.log.state() == sanitizeFailed, "the last sanitize of this drive failed", "sanitize it again: " + sanitizeAgain},
		obstacle{reachErr != nil, "it cannot be told what else it would erase: " + reason(reachErr), ""},
		v.protected(),
		obstacle{v.unreadable, deallocatedWhy, deallocatedNext},
	)
	return drive.Ability{Action: a, Why: o.why, Next: o.next, Blocks: true, Reaches: reaches}
}

// formatReaches is what Format NVM erases beside the namespace. A drive with one controller shows it under one name only.
func (v *view) formatReaches() ([]drive.Reach, error) {
	switch {
	case v.c.formatReachesAll():
		return v.reaches, v.reachErr
	case v.c.severalControllers():
		return v.twins, v.twinErr
	}
	return v.twins, nil
}

const (
	deallocatedWhy  = "the drive is set to fail reads of empty blocks, so that the outcome could not be read"
	deallocatedNext = "switch that off: feature 05h (Error Recovery), bit 16 (DULBE)"
)

// underWay is an erase that the drive is at already.
func (v *view) underWay() obstacle {
	busy := v.busy()
	return obstacle{busy != "", "the drive is at it already: " + busy, "wait until it has ended"}
}

func (v *view) protected() obstacle {
	return obstacle{v.ns.writeProtected(), "the namespace is write protected", "take the write protection off: feature 84h"}
}
