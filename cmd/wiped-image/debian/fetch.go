package debian

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Fetch makes every package present in the cache, as CACHE/SHA256.deb. What is there already needs no network.
func Fetch(cache string, list []Package) error {
	var lacking []string
	for _, p := range list {
		if !present(cache, p) {
			lacking = append(lacking, p.Name+"="+p.Version)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	if err := download(cache, lacking); err != nil {
		return err
	}
	for _, p := range list {
		if !present(cache, p) {
			return fmt.Errorf("fetch package %s %s: what apt fetched has another checksum than %s. "+
				"Next: as root, apt-get update; with --versions, check that line", p.Name, p.Version, p.SHA256)
		}
	}
	return nil
}

func deb(cache string, p Package) string { return filepath.Join(cache, p.SHA256+".deb") }

// present hashes afresh each time: a cache is only as good as its last interrupted copy.
func present(cache string, p Package) bool {
	sum, err := hash(deb(cache, p))
	return err == nil && sum == p.SHA256
}

// download has apt fetch into a folder of its own and files each package under its checksum.
func download(cache string, specs []string) error {
	dir, err := os.MkdirTemp(cache, "download-")
	if err != nil {
		return fmt.Errorf("fetch packages: %w", err)
	}
	defer os.RemoveAll(dir)
	if _, err := apt(dir, "apt-get", append([]string{"-qq", "download"}, specs...)...); err != nil {
		return fmt.Errorf("fetch packages: %w%s", err, next(err))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return fmt.Errorf("fetch packages: %w", err)
	}
	for _, file := range files {
		sum, err := hash(file)
		if err == nil {
			err = os.Rename(file, filepath.Join(cache, sum+".deb"))
		}
		if err != nil {
			return fmt.Errorf("fetch packages: %w", err)
		}
	}
	return nil
}

// remedies are what to do about the things apt says.
var remedies = []struct{ said, next string }{
	{"Could not resolve", "there is no network, or no name server: check it, or set http_proxy"},
	{"Temporary failure", "there is no network, or no name server: check it, or set http_proxy"},
	{"Unable to connect", "the archive is out of reach: check the network, or set http_proxy"},
	{"Could not connect", "the archive is out of reach: check the network, or set http_proxy"},
	{"was not found", "Debian has replaced that version: add Debian's snapshot service to apt's sources"},
	{"Unable to locate package", "Debian has replaced that package, or apt's lists are out of date: as root, apt-get update, or add Debian's snapshot service to apt's sources"},
	{"404", "apt's lists are out of date: as root, apt-get update"},
	{"No space left", "make room in the cache, or name another place with --cache"},
}

func next(err error) string {
	var fault *Fault
	if errors.As(err, &fault) {
		for _, r := range remedies {
			if strings.Contains(fault.Said, r.said) {
				return ". Next: " + r.next
			}
		}
	}
	return ""
}

func hash(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
