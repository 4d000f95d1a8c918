package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// nullFolder is where null_blk takes orders (Linux, Documentation/block/null_blk.rst).
const nullFolder = "/sys/kernel/config/nullb"

// zonedDrive makes a host-managed zoned drive of the kernel's own null_blk, kept in memory, as a drive of that kind is to be
// had nowhere else. The words are attributes of null_blk: "size=64 zone_size=4 zone_nr_conv=2", in MiB and zones.
func zonedDrive(number int, words string) (stop func() error, err error) {
	dir := filepath.Join(nullFolder, fmt.Sprintf("nullb%d", number))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a zoned drive: %w", err)
	}
	stop = func() error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "power"), []byte("0"), 0), os.Remove(dir))
	}
	for _, word := range append([]string{"memory_backed=1", "zoned=1"}, append(strings.Fields(words), "power=1")...) {
		name, value, _ := strings.Cut(word, "=")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0); err != nil {
			return nil, errors.Join(fmt.Errorf("make a zoned drive: set %s: %w", word, err), stop())
		}
	}
	return stop, nil
}
