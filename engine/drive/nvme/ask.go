package nvme

import (
	"cmp"
	"fmt"
	"slices"

	"wiped/engine/drive"
)

// view is everything that one look at a namespace and its controller brought.
type view struct {
	node    drive.Node
	nsid    uint32
	problem string // why the answers prove nothing; empty: they do
	another string // why they are not of the drive that the kernel has; empty: nothing says so
	c       controller
	ns      namespace
	nsErr   error

	logAsked   bool // the drive has Sanitize
	log        sanitizeLog
	logErr     error
	twins      []drive.Reach // this namespace under other names of the kernel's: by whatever reaches the namespace
	twinErr    error
	reaches    []drive.Reach // by what reaches the whole subsystem, twins included
	reachErr   error
	unreadable bool // reading a deallocated block is an error
	health     healthLog
	healthErr  error
}

// ask looks, and says what it means. The error is for a drive that does not answer at all.
func ask(a admin, n drive.Node) (drive.Answers, error) {
	q := &asker{admin: a}
	nsid, err := a.NSID()
	if err != nil {
		return drive.Answers{}, err
	}
	c, err := q.controller()
	if q.lost != nil {
		return drive.Answers{}, err
	}
	v := view{node: n, nsid: nsid, c: c}
	if err != nil {
		v.problem = err.Error()
		return v.answers(), nil
	}
	v.look(q)
	return v.answers(), nil
}

// look asks what is worth asking, the questions that decide most first.
func (v *view) look(q *asker) {
	v.ns, v.nsErr = q.namespace(v.nsid)
	if v.c.sanicap != 0 {
		v.logAsked = true
		v.log, v.logErr = q.sanitizeLog(v.c.version)
	}
	v.neighbours(q)
	v.unreadable = v.ns.features&(1<<2) != 0 && q.hidesDeallocated(v.nsid)
	v.health, v.healthErr = q.healthLog(v.c.version)
	v.another = v.notThis()
	v.problem = v.contradiction()
	if q.lost != nil {
		v.problem = q.lost.Error()
	}
}

// neighbours finds what an erase reaches beside the namespace.
func (v *view) neighbours(q *asker) {
	kernel, err := heads(v.node.Sys)
	if err != nil {
		v.twinErr, v.reachErr = err, err
		return
	}
	same := slices.DeleteFunc(slices.Clone(kernel), func(h head) bool { return h.nsid != v.nsid })
	v.twins, v.twinErr = reaches(nil, same, v.nsid, v.node)
	ids, err := q.namespaces(v.c, v.ns, v.nsid)
	if err = cmp.Or(v.nsErr, err); err != nil {
		v.reachErr = err
		return
	}
	v.reaches, v.reachErr = reaches(ids, kernel, v.nsid, v.node)
}

// notThis is why the drive that answered is not the one that the kernel has: another serial, or another size.
func (v *view) notThis() string {
	if err := sameSerial(v.c, v.node); err != nil {
		return err.Error()
	}
	size, err := v.ns.bytes()
	if seen := v.node.Info.Size; v.nsErr == nil && err == nil && seen > 0 && size != seen {
		return fmt.Sprintf("it says that its namespace %d has %d bytes, and the kernel says %d", v.nsid, size, seen)
	}
	return ""
}

// contradiction is why nothing is proved by the answers: of another drive, or of one that says what cannot be.
func (v *view) contradiction() string {
	size, err := v.ns.bytes()
	switch {
	case v.another != "":
		return v.another
	case v.nsErr != nil:
		return v.nsErr.Error()
	case err != nil:
		return fmt.Sprintf("identify namespace %d: %v", v.nsid, err)
	case size != v.node.Info.Size || size == 0:
		return fmt.Sprintf("it says that its namespace %d has %d bytes, and the kernel says %d", v.nsid, size, v.node.Info.Size)
	}
	return ""
}

// sameSerial compares the serial that the drive gives with the one that the kernel has of it, where both are known.
func sameSerial(c controller, n drive.Node) error {
	if n.Info.OwnSerial() && c.serial != "" && c.serial != n.Info.Serial {
		return fmt.Errorf("it calls itself %s, and the kernel has it as %s", c.serial, n.Info.Serial)
	}
	return nil
}

func (v *view) answers() drive.Answers {
	return drive.Answers{
		Set: "NVMe", Problem: v.problem, Another: v.another, Identity: v.identity(), Facts: v.facts(), Abilities: v.abilities(), Kept: v.kept(), Busy: v.busy(),
	}
}

// identity leaves the WWN to the kernel, which knows models that give the same one to every drive, and shows none for those.
func (v *view) identity() drive.Identity {
	if sameSerial(v.c, v.node) != nil {
		return drive.Identity{}
	}
	return drive.Identity{Vendor: vendorName(v.c.vendor), Model: v.c.model, Firmware: v.c.firmware, Serial: v.c.serial}
}

// kept names what neither Sanitize nor Format NVM touches (NVMe 1.4 section 8.15).
func (v *view) kept() []string {
	if units := v.c.rpmbs & 0b111; units > 0 {
		return []string{fmt.Sprintf("RPMB (%d)", units)}
	}
	return nil
}

func (v *view) busy() string {
	if v.logAsked && v.logErr == nil && v.log.state() == sanitizing {
		return fmt.Sprintf("sanitizing, %d %% done", int(100*v.log.done()))
	}
	if done, ok := v.ns.formatting(); ok {
		return fmt.Sprintf("formatting, %d %% done", done)
	}
	return ""
}
