package boot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	configLabel = "WIPED"
	configDir   = "/run/wiped/config" // where the partition with that label is mounted
	initrdDir   = "/etc/wiped"        // where a second initrd puts its files
	maxGiven    = 1 << 20             // bytes of one file; some thousands of keys
)

// given is what one source of configuration holds.
type given struct {
	from     string            // for people
	settings string            // wiped.conf
	keys     string            // authorized_keys
	hostKeys map[string]string // file name in hostkeys/ -> content

	partition bool // it is on a drive, and any drive may bear the label
	nobody    bool // it must not decide who the station lets in or who it is
}

// letsIn tells whether it says anything about who may log in.
func (g given) letsIn() bool {
	var s Settings
	s.setFile(g.settings)
	return holdsKeys(g.keys) || len(s.keys) > 0 || s.keysURL != ""
}

// holdsKeys tells whether a text has a line that is no comment.
func holdsKeys(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return true
		}
	}
	return false
}

// doubt decides about partitions: where the kernel's arguments or an initrd say who may log in, a drive must not add anybody,
// because drives that come to be wiped may bear any label. Nor may it then say by which keys the station is recognised or
// where the state is. It still gives settings, for a protect on it must count.
func doubt(sources []given, args []argument) []given {
	var s Settings
	s.setArguments(args)
	certain := len(s.keys) > 0 || s.keysURL != ""
	for _, g := range sources {
		certain = certain || (!g.partition && g.letsIn())
	}
	out := slices.Clone(sources)
	for i := range out {
		if out[i].partition && certain {
			out[i].nobody, out[i].keys, out[i].hostKeys = true, "", nil
		}
	}
	return out
}

// take takes its settings into s, and only those that it may decide.
func (g given) take(s *Settings) []error {
	before := *s
	wrong := s.setFile(g.settings)
	if g.nobody {
		s.keys, s.keysURL, s.keysSum, s.state = before.keys, before.keysURL, before.keysSum, before.state
	}
	return wrong
}

// readGiven reads a directory of configuration. A file that cannot be read is a problem and keeps nothing else from
// being taken.
func readGiven(from, dir string) (g given, wrong []error) {
	g = given{from: from, hostKeys: map[string]string{}}
	take := func(name string) string {
		text, err := readText(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			wrong = append(wrong, fmt.Errorf("%s: %w", from, err))
		}
		return text
	}
	g.settings, g.keys = take("wiped.conf"), take("authorized_keys")
	for _, name := range hostKeyFiles {
		if text := take(filepath.Join("hostkeys", name)); text != "" {
			g.hostKeys[name] = text
		}
	}
	return g, wrong
}

// readText reads a plain file that is not too large to be meant.
func readText(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("read %s: it is not a plain file", path)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxGiven+1))
	if err != nil {
		return "", err
	}
	if len(content) > maxGiven {
		return "", fmt.Errorf("read %s: it is larger than 1 MiB", path)
	}
	return plainText(content), nil
}

// configPartition finds and mounts the partition with our label. It stays mounted, so that its drive is in use and
// nobody erases it. Two of them are none: drives that come to be wiped may bear any label, and whoever wrote one must
// not be let in by it.
func configPartition(volumes []volume) (from string, err error) {
	if mounted(configDir) {
		return "the partition " + configLabel, nil
	}
	var found []volume
	for _, v := range labelled(volumes, configLabel) {
		if v.kind == "vfat" {
			found = append(found, v)
		}
	}
	switch {
	case len(found) == 0:
		return "", nil
	case len(found) > 1:
		return "", fmt.Errorf("several partitions have the label %s, so none is used: %s. Next: take away all but yours, or start again with wiped.config=none",
			configLabel, deviceNames(found))
	}
	if err := mountVolume(found[0], configDir, unix.MS_RDONLY); err != nil {
		return "", fmt.Errorf("%w. Next: format it again as FAT with the label %s", err, configLabel)
	}
	return "the partition " + configLabel + " (" + found[0].device() + ")", nil
}

// mountOptions are those of each kind of file system; FAT knows no owners, so all is root's.
var mountOptions = map[string]string{"vfat": "uid=0,gid=0,umask=077", "ext4": ""}

func mountVolume(v volume, target string, flags uintptr) error {
	if err := os.MkdirAll(target, 0o700); err != nil {
		return fmt.Errorf("mount %s: %w", v.device(), err)
	}
	if err := unix.Mount(v.device(), target, v.kind, flags|noPrograms, mountOptions[v.kind]); err != nil {
		return fmt.Errorf("mount %s (%s): %w", v.device(), v.kind, err)
	}
	return nil
}

// merge makes one Settings of all sources. The kernel's command line is taken last, because it is nearest to whoever
// starts the machine: where only one value is possible, it wins.
func merge(sources []given, args []argument) (s Settings, wrong []error) {
	for _, g := range sources {
		for _, err := range g.take(&s) {
			wrong = append(wrong, fmt.Errorf("wiped.conf of %s, %w", g.from, err))
		}
	}
	for _, err := range s.setArguments(args) {
		wrong = append(wrong, fmt.Errorf("kernel argument %w", err))
	}
	if err := s.check(); err != nil {
		wrong = append(wrong, err)
	}
	return s, wrong
}

// part is the authorized keys of one source.
type part struct{ from, text string }

// keyParts are the keys of all sources: those that a state partition keeps, the given ones and the fetched ones.
func keyParts(own string, sources []given, args []argument, url, fetched string) (out []part) {
	add := func(from, text string) {
		if holdsKeys(text) {
			out = append(out, part{printable(from), strings.TrimRight(text, "\n") + "\n"})
		}
	}
	add("the state partition", kept(own))
	var line Settings
	line.setArguments(args)
	add("the kernel's arguments", strings.Join(line.keys, "\n"))
	for _, g := range sources {
		var s Settings
		g.take(&s)
		add(g.from, strings.Join(append(s.keys, g.keys), "\n"))
	}
	add(url, fetched)
	return out
}

// joinKeys makes the content of authorized_keys out of all sources, each with its origin.
func joinKeys(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("# from " + p.from + "\n" + p.text)
	}
	return b.String()
}

// keysMark is a line behind which older versions wrote given keys into the state partition's own file: what follows it
// was given at one boot, and counts no longer.
const keysMark = "# wiped writes what follows afresh at every start."

// kept are the keys that are a state partition's own.
func kept(own string) string {
	var b strings.Builder
	for line := range strings.Lines(own) {
		if strings.TrimSpace(line) == keysMark {
			break
		}
		b.WriteString(line)
	}
	return b.String()
}
