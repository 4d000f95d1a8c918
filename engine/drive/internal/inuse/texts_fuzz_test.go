package inuse

import (
	"os"
	"path/filepath"
	"testing"
)

func newSnapshot() *Snapshot {
	return &Snapshot{Mounts: map[uint64][]string{}, Sources: map[File][]string{}, Swaps: map[File]bool{}, Loops: map[File][]string{}, Openers: map[File][]string{}}
}

// FuzzTables reads tables of swap areas and files behind loop devices with anything in them: a swap file and a backing file that are
// named in their own line are in use, whatever stands around them.
func FuzzTables(f *testing.F) {
	f.Add("Filename\tType\tSize\n", " file\t1\t0\n", "\n")
	f.Add("\x00\n/dev/\\040\\134x ", " ", " (deleted)\n")
	dir := f.TempDir()
	swap, backing := filepath.Join(dir, "swap"), filepath.Join(dir, "backing")
	table, sys := filepath.Join(dir, "swaps"), filepath.Join(dir, "sys")
	for _, file := range []string{swap, backing} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			f.Fatal(err)
		}
	}
	for _, loop := range []string{"loop0", "loop1"} {
		if err := os.MkdirAll(filepath.Join(sys, loop, "loop"), 0o700); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, before, after, other string) {
		for path, text := range map[string]string{table: before + "\n" + swap + " " + after, filepath.Join(sys, "loop0/loop/backing_file"): backing + "\n",
			filepath.Join(sys, "loop1/loop/backing_file"): other} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := newSnapshot()
		err := s.swaps(table)
		s.loops(sys)
		at, _ := Of(swap)
		if err == nil && !s.Swaps[at] { // an error refuses every drive
			t.Errorf("the swap file is not found between %q and %q", before, after)
		}
		at, _ = Of(backing)
		if len(s.Loops[at]) == 0 || s.Loops[at][0] != "loop0" {
			t.Errorf("the file behind loop0 is not found beside %q: %v", other, s.Loops)
		}
	})
}

// FuzzProcess reads the status of a process that calls itself anything: only one of the name of the asker, which this one started,
// is passed over.
func FuzzProcess(f *testing.F) {
	f.Add("smartctl", "S 42 1 1", "smartctl\n")
	f.Add("x) S 42 (smartctl", "S 1", "\x1b")
	f.Add("smartctl) S 42 (", "", "")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, name, rest, comm string) {
		for file, text := range map[string]string{"stat": "7 (" + name + ") " + rest, "comm": comm} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if isOurs(dir, "42") && name != asker && name != sender && !forged(name, rest) {
			t.Errorf("%q %q is taken for the asker", name, rest)
		}
		_ = command(dir)
	})
}

// forged is a status in which the parts cannot be told from each other: the kernel writes no parenthesis after the name.
func forged(_, rest string) bool {
	for _, c := range rest {
		if c == ')' {
			return true
		}
	}
	return false
}
