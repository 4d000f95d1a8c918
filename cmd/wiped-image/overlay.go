package main

import (
	"fmt"
	"io"
	"os"

	"wiped/cmd/wiped-image/archive"
)

// overlayCommand makes a second initramfs: the kernel lays it over the first one.
func overlayCommand(args []string, out, errOut io.Writer) error {
	fs := flags("overlay", out)
	file := fs.String("out", "", "the file to write")
	if err := parse(fs, args, 1); err != nil {
		return err
	}
	if *file == "" {
		return usageError{fmt.Errorf("--out is missing")}
	}
	data, err := overlay(fs.Arg(0))
	if err != nil {
		return err
	}
	return replace(*file, data, 0o600) // it may hold private keys
}

func overlay(dir string) ([]byte, error) {
	when, err := buildTime()
	if err != nil {
		return nil, err
	}
	tree := archive.Tree{}
	if err := tree.Folder("", dir); err != nil {
		return nil, err
	}
	if len(tree) == 0 {
		return nil, fmt.Errorf("make overlay: %s is empty", dir)
	}
	return tree.Pack(when)
}

// replace writes a file so that it is there whole or not at all.
func replace(file string, data []byte, mode os.FileMode) error {
	part := file + ".part"
	if err := os.WriteFile(part, data, mode); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := os.Rename(part, file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
