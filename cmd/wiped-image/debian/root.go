package debian

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Root is the packages unpacked, each in a folder of its own.
type Root struct {
	dirs []string
}

// Unpack makes a Root below the cache; packages that were unpacked before are taken as they are.
func Unpack(cache string, list []Package) (*Root, error) {
	r := &Root{}
	for _, p := range list {
		dir := filepath.Join(cache, "unpacked", p.Name+"_"+p.SHA256[:16])
		if err := unpack(deb(cache, p), dir); err != nil {
			return nil, fmt.Errorf("unpack package %s: %w", p.Name, err)
		}
		r.dirs = append(r.dirs, dir)
	}
	return r, nil
}

// unpack gives the folder its name only when it is whole.
func unpack(file, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "part-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	if _, err := command(exec.Command("dpkg-deb", "-x", file, part), ""); err != nil {
		return err
	}
	return os.Rename(part, dir)
}

// Find gives the place of a file of some package, by its installed path.
func (r *Root) Find(path string) (string, error) {
	for _, dir := range r.dirs {
		file := filepath.Join(dir, path)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("find %s: none of the packages has it", path)
}

// Glob gives the places of all files that match.
func (r *Root) Glob(pattern string) []string {
	var all []string
	for _, dir := range r.dirs {
		if found, err := filepath.Glob(filepath.Join(dir, pattern)); err == nil {
			all = append(all, found...)
		}
	}
	return all
}
