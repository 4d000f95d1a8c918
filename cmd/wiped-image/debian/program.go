package debian

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// libraryDirs are where Debian's packages for amd64 keep shared libraries.
var libraryDirs = []string{"lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"}

// loader is the place that programs for amd64 expect their dynamic loader at.
const loader = "lib64/ld-linux-x86-64.so.2"

// Program gives the files that a program needs to run, itself included: path in a root folder -> where the file is now.
func (r *Root) Program(path string) (map[string]string, error) {
	file, err := r.Find(path)
	if err != nil {
		return nil, err
	}
	ld, err := r.loader()
	if err != nil {
		return nil, err
	}
	files := map[string]string{path: file, loader: ld}
	if err := r.needed(file, files); err != nil {
		return nil, fmt.Errorf("find libraries of %s: %w", path, err)
	}
	return files, nil
}

// needed adds the libraries of one program or library, and theirs.
func (r *Root) needed(file string, files map[string]string) error {
	f, err := elf.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	names, err := f.ImportedLibraries()
	if err != nil {
		return err
	}
	for _, name := range names {
		to := filepath.Join(libraryDirs[0], name)
		if _, done := files[to]; done || name == filepath.Base(loader) {
			continue
		}
		if files[to], err = r.library(name); err != nil {
			return err
		}
		if err := r.needed(files[to], files); err != nil {
			return err
		}
	}
	return nil
}

func (r *Root) library(name string) (string, error) {
	for _, dir := range libraryDirs {
		if file, err := r.Find(filepath.Join(dir, name)); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("find library %s: %w", name, fs.ErrNotExist)
}

func (r *Root) loader() (string, error) { return r.library(filepath.Base(loader)) }

// Run runs a program out of the packages with the libraries out of the packages, so that the outcome is the same on every
// host, and nothing need be installed there.
func (r *Root) Run(when time.Time, dir, program string, args ...string) (string, error) {
	file, err := r.Find(filepath.Join("usr/bin", program))
	if err != nil {
		return "", err
	}
	ld, err := r.loader()
	if err != nil {
		return "", err
	}
	var libraries []string
	for _, sub := range libraryDirs {
		libraries = append(libraries, r.Glob(sub)...)
	}
	c := exec.Command(ld, slices.Concat([]string{"--library-path", strings.Join(libraries, ":"), file}, args)...)
	c.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=/nonexistent", "SOURCE_DATE_EPOCH=" + strconv.FormatInt(when.Unix(), 10)}
	out, err := command(c, dir)
	var fault *Fault
	if errors.As(err, &fault) {
		fault.Program = program
	}
	return out, err
}
