package engine

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"wiped/engine/drive"
)

// matchFold matches a glob against text, letters of either case alike. A * matches / too, since serials may hold one.
func matchFold(glob, text string) (bool, error) {
	plain := strings.NewReplacer("/", "\x01")
	return path.Match(plain.Replace(strings.ToLower(glob)), plain.Replace(strings.ToLower(text)))
}

// protectedBy is the first glob that matches a drive's name, one of its paths, its serial or its WWN.
func protectedBy(globs []string, i drive.Info) string {
	for _, glob := range globs {
		for _, text := range append([]string{i.Name, i.Serial, i.WWN}, i.Paths...) {
			if ok, _ := matchFold(glob, text); ok && text != "" {
				return glob
			}
		}
	}
	return ""
}

// obstacle is one reason why a drive must not be erased now.
type obstacle struct{ state, why, next string }

// obstacles is all that stands against erasing a drive, worst first: the safety rules. by is the job that has
// it, or zero. It decides on what was seen; the exclusive claim comes on top.
func obstacles(i drive.Info, cfg Config, by holder) []obstacle {
	var all []obstacle
	add := func(state, why, next string) { all = append(all, obstacle{state, why, next}) }
	if i.Problem != "" {
		add("unusable", i.Problem, "drives")
		return all
	}
	switch {
	case by.stuck:
		add("in use", fmt.Sprintf("busy: a request of job %d has not returned", by.job), fmt.Sprintf("job %d says what became of it; unplug the drive, or wait", by.job))
	case by.opening:
		add("in use", "in use: its hidden areas are being opened", "wait until that has ended; a drive that does not come to an end of it is to be unplugged")
	case by.job != 0:
		add("job", fmt.Sprintf("it is being erased by job %d", by.job), fmt.Sprintf("watch %d", by.job))
	}
	if cfg.Halted != "" {
		add("protected", cfg.Halted, "mend it and start again")
	}
	if glob := protectedBy(cfg.Protect, i); glob != "" {
		add("protected", "protected by --protect "+glob, "only a restart of the server without it lifts the protection")
	}
	for _, use := range i.Uses {
		add("in use", "in use: "+use.What, use.Hint)
	}
	if i.ReadOnly {
		add("unusable", "read-only", "find its write protection switch, or blockdev --setrw on the station")
	}
	format := "format " + arg(i.Name) + " --sector-size 512 --confirm " + arg(cmp.Or(i.Serial, i.WWN))
	switch {
	case i.Size <= 0 && i.Reformat:
		add("unusable", i.NoSize, format)
	case i.Size <= 0 && i.NoSize != "":
		add("unusable", i.NoSize, "wait until that has ended")
	case oddSize(i):
		add("unusable", oddSectors(i), format)
	case i.Size <= 0:
		add("unusable", "it has no size (0 bytes)", "look at its cable and its health, there is nothing to erase")
	case i.LogicalSector <= 0:
		add("unusable", "its sector size is unknown", "drive "+arg(i.Name))
	case i.Size%int64(i.LogicalSector) != 0:
		add("unusable", fmt.Sprintf("its size of %d bytes is not a multiple of its sector size of %d, so its tail could not be erased for certain",
			i.Size, i.LogicalSector), fmt.Sprintf("bring it to a whole number of sectors, such as %d bytes", roundUp(i.Size, int64(i.LogicalSector))))
	}
	return all
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }

// confirmWord is what confirms a drive among all that are present: its serial where it alone has it, else its WWN;
// empty if nothing names it for certain.
func confirmWord(i drive.Info, all []drive.Drive) string {
	for _, word := range []func(drive.Info) string{
		func(i drive.Info) string { return i.Serial },
		func(i drive.Info) string { return i.WWN },
	} {
		same := 0
		for _, d := range all {
			if word(d.Info()) == word(i) {
				same++
			}
		}
		if word(i) != "" && same == 1 {
			return word(i)
		}
	}
	return ""
}

// resolve finds the one drive that a word names: a name, a path, a serial or a WWN.
func resolve(word string, all []drive.Drive) (drive.Drive, *Refusal) {
	var found []drive.Drive
	for _, d := range all {
		if names(d.Info(), word) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if whole := partitionOf(word, all); whole != "" {
			return nil, refuse(NotFound, clean(word), "it is a partition, and only whole drives are erased; the whole drive is "+whole, "drive "+arg(whole))
		}
		return nil, refuse(NotFound, clean(word), "there is no such drive", "drives")
	}
	var which []string
	for _, d := range found {
		which = append(which, d.Info().Path)
	}
	return nil, refuse(Invalid, clean(word), "it names more than one drive: "+strings.Join(which, ", "), "name it by its path")
}

func names(i drive.Info, word string) bool {
	if word == "" {
		return false
	}
	if slices.Contains(i.Paths, word) {
		return true
	}
	if real, err := filepath.EvalSymlinks(word); strings.HasPrefix(word, "/") && err == nil && slices.Contains(i.Paths, real) {
		return true // /dev/disk/by-id/...
	}
	return word == i.Name || word == i.Serial || (i.WWN != "" && strings.EqualFold(word, i.WWN))
}

func partitionOf(word string, all []drive.Drive) string {
	for _, d := range all {
		for _, p := range d.Info().Partitions {
			if p == strings.TrimPrefix(word, "/dev/") {
				return d.Info().Name
			}
		}
	}
	return ""
}

func clean(word string) string {
	if word == "" {
		return `""`
	}
	const most = 200 // of what somebody typed, an error repeats no more
	if len(word) > most {
		return fmt.Sprintf("%s... (%d bytes)", drive.Clean(word[:most]), len(word))
	}
	return drive.Clean(word)
}

// arg is a drive's name as it is to be typed.
func arg(name string) string {
	if strings.ContainsAny(name, " \t'\";|&$`<>()*?[~#") {
		return "'" + strings.ReplaceAll(name, "'", `'"'"'`) + "'"
	}
	return name
}
