package nvme

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"wiped/engine/drive"
)

// listPages is how many pages of a namespace list are read before it is taken for endless: 16384 namespaces.
const listPages = 16

// list reads a whole namespace list: CNS 02h, those active at this controller, or 10h, all that are allocated.
func (q *asker) list(cns byte) (all []uint32, err error) {
	after := uint32(0)
	for range listPages {
		page, err := q.identify(after, cns)
		if err != nil {
			return nil, err
		}
		ids, err := parseList(page, after)
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
		if len(ids) < idsPerList {
			return all, nil
		}
		after = ids[len(ids)-1]
	}
	return nil, errors.New("it does not end")
}

// namespaces are the numbers of all namespaces of the subsystem. The error says why it cannot be told which they are: then
// nothing may be done that reaches them.
func (q *asker) namespaces(c controller, ns namespace, nsid uint32) ([]uint32, error) {
	if nsid == 0 || nsid > c.nn {
		return nil, fmt.Errorf("this is its namespace %d, and it says that it has %d", nsid, c.nn)
	}
	if c.nn == 1 && (!c.severalControllers() || c.uniqueNSIDs() || ns.shared()) {
		return []uint32{1}, nil
	}
	if c.severalControllers() && !c.uniqueNSIDs() {
		return nil, errors.New("it may have further controllers, with namespaces of their own")
	}
	ids, err := q.list(cnsActive)
	if err != nil {
		return nil, fmt.Errorf("it does not list its namespaces: %w", err)
	}
	if !slices.Contains(ids, nsid) {
		return nil, errors.New("its list of namespaces lacks this one")
	}
	// Only a controller that manages namespaces can have some that are not attached to it, and only where there are several
	// controllers can another one have more.
	if c.managesNamespaces() || c.severalControllers() {
		allocated, err := q.list(cnsAllocated)
		if err != nil {
			return nil, fmt.Errorf("it does not list namespaces that are not attached to this controller: %w", err)
		}
		ids = append(ids, allocated...)
	}
	for _, id := range ids {
		if id > c.nn {
			return nil, fmt.Errorf("its list has a namespace %d, and it says that it has %d", id, c.nn)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// reaches names everything of the subsystem but this namespace: by the kernel's names, and without a name what the drive
// lists and the kernel has no block device for. Paths that are known to be this same drive are not something else.
func reaches(ids []uint32, kernel []head, nsid uint32, n drive.Node) ([]drive.Reach, error) {
	own := head{name: filepath.Base(n.Sys), nsid: nsid}
	if !slices.Contains(kernel, own) {
		return nil, fmt.Errorf("the kernel does not show %s as its namespace %d", own.name, nsid)
	}
	for _, id := range ids {
		if !slices.ContainsFunc(kernel, func(h head) bool { return h.nsid == id }) {
			kernel = append(kernel, head{nsid: id})
		}
	}
	slices.SortFunc(kernel, func(a, b head) int { return cmp.Or(cmp.Compare(a.nsid, b.nsid), cmp.Compare(a.name, b.name)) })
	var others []drive.Reach
	for _, h := range kernel {
		path := h.nsid == nsid && slices.ContainsFunc(n.Info.Paths, func(p string) bool { return filepath.Base(p) == h.name })
		if h == own || path {
			continue
		}
		what := fmt.Sprintf("namespace %d", h.nsid)
		if h.nsid == nsid {
			what += " by way of another controller"
		}
		others = append(others, drive.Reach{Name: h.name, What: what})
	}
	return others, nil
}
