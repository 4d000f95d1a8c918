package engine

import (
	"fmt"
	"slices"
	"strings"

	"wiped/engine/drive"
)

// together makes one item of the drives that one command erases, and refuses a method that reaches a drive which was not
// named for it. Each of them stood for itself before the safety rules.
func together(items []Item, all []drive.Drive) (joined []Item, refusals Refusals) {
	gone := map[string]bool{}
	for n := range items {
		item := items[n]
		if gone[item.Drive.Name] {
			continue
		}
		ability, _ := item.Answers.Ability(item.Method.Action)
		var unnamed []string
		for _, reach := range ability.Reaches {
			at := slices.IndexFunc(items, func(other Item) bool {
				return reach.Name != "" && other.named(reach.Name) && other.Method.Name == item.Method.Name && other.Verify == item.Verify
			})
			if at < 0 {
				unnamed = append(unnamed, describe(reach, all))
				continue
			}
			if other := items[at]; !gone[other.Drive.Name] && at != n {
				gone[other.Drive.Name] = true
				item.Also = append(item.Also, other)
			}
		}
		if len(unnamed) > 0 {
			refusals = append(refusals, refuse(Unsafe, item.Drive.Name, item.Method.Name+" would also erase "+strings.Join(unnamed, ", "),
				"name and confirm every one of them in this command, or choose a method that reaches less: methods "+arg(item.Drive.Name)))
		}
		joined = append(joined, item)
	}
	return joined, refusals
}

func (i Item) named(kernel string) bool {
	return slices.ContainsFunc(i.Drive.Paths, func(p string) bool { return strings.TrimPrefix(p, "/dev/") == kernel })
}

// describe names something that a command reaches, with its serial where it is a drive that is presented.
func describe(r drive.Reach, all []drive.Drive) string {
	for _, d := range all {
		if i := d.Info(); r.Name != "" && (Item{Drive: i}).named(r.Name) {
			return fmt.Sprintf("%s (%s, serial %s)", i.Name, r.What, i.Serial)
		}
	}
	if r.Name != "" {
		return fmt.Sprintf("%s (%s), which is not among the drives here", r.Name, r.What)
	}
	return r.What + ", which this machine has no device for"
}
