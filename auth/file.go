package auth

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	maxFile = 1 << 20  // bytes; some thousands of keys
	maxLine = 64 << 10 // bytes; the longest line the shell takes, and twenty times the longest RSA key
)

// keyFile is the content of one authorized_keys file, parsed. It is never changed once it is made.
type keyFile struct {
	sum   [sha256.Size]byte // of the content
	lines []*line           // usable ones, in the order of the file
	bad   []badLine
}

type badLine struct {
	number int // from 1
	why    error
}

// parseFile reads every line; one that is wrong does not keep the others from working.
func parseFile(content []byte) *keyFile {
	file := &keyFile{}
	number := 0
	for raw := range bytes.Lines(content) {
		number++
		text := strings.Trim(strings.TrimRight(string(raw), "\r\n"), blanks)
		if text == "" || text[0] == '#' {
			continue
		}
		l, err := parseLine(text)
		if err != nil {
			file.bad = append(file.bad, badLine{number, err})
			continue
		}
		l.number = number
		file.lines = append(file.lines, l)
	}
	return file
}

// readFile returns the text of the file at path, which only root and the process's user may be able to change. A
// symbolic link is followed, and the file it ends at is judged with the directory that holds it.
func readFile(path string) ([]byte, error) {
	fd, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("read authorized keys: %w", openAdvice(path, err))
	}
	defer unix.Close(fd)
	content, err := readAll(fd, maxFile+1)
	if err != nil {
		return nil, fmt.Errorf("read authorized keys: %w", err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("read authorized keys: %s is larger than 1 MiB: sign certificates for that many people (cert-authority), or take lines out",
			escape(path))
	}
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("read authorized keys: %s is UTF-16 text: make it UTF-8: f=%s; iconv -f UTF-16 -t UTF-8 \"$f\" > \"$f.new\" && mv \"$f.new\" \"$f\"",
			escape(path), shellQuote(path))
	}
	return bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")), nil
}

// open judges what it has opened, through the descriptors, so that nothing can be exchanged between look and use.
func open(path string) (fd int, err error) {
	fd, err = openIn(filepath.Split(path))
	if errors.Is(err, unix.ELOOP) { // it is a link, or there are too many on the way
		if path, err = filepath.EvalSymlinks(path); err == nil {
			fd, err = openIn(filepath.Split(path))
		}
	}
	return fd, err
}

// openIn opens a file that is no symbolic link. Links on the way to its folder are followed.
func openIn(folder, name string) (fd int, err error) {
	if folder == "" {
		folder = "."
	}
	at, err := unix.Open(folder, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &fs.PathError{Op: "open", Path: folder, Err: err}
	}
	defer unix.Close(at)
	if err := judge(at, unix.S_IFDIR, filepath.Clean(folder)); err != nil {
		return 0, err
	}
	// Without O_NONBLOCK a named pipe would hold up every login.
	fd, err = unix.Openat(at, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &fs.PathError{Op: "open", Path: folder + name, Err: err}
	}
	if err := judge(fd, unix.S_IFREG, filepath.Join(folder, name)); err != nil {
		unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

// readAll reads a plain file from its start, most bytes at most.
func readAll(fd, most int) ([]byte, error) {
	content := make([]byte, 0, 4<<10)
	for len(content) < most {
		content = slices.Grow(content, 1)
		n, err := unix.Read(fd, content[len(content):min(cap(content), most)])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, err
		case n == 0:
			return content, nil
		default:
			content = content[:len(content)+n]
		}
	}
	return content, nil
}

func judge(fd int, kind uint32, path string) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != kind {
		return fmt.Errorf("%s is not a plain file: name the file that holds the keys", escape(path))
	}
	return judgeOwner(path, st.Mode, int(st.Uid), os.Geteuid())
}

// judgeOwner tells whether others than root and the user self can change what path names, as far as its own mode and
// owner say.
func judgeOwner(path string, mode uint32, owner, self int) error {
	if owner != 0 && owner != self {
		return fmt.Errorf("%s belongs to user %d, who could add keys: chown %d %s", escape(path), owner, self, shellQuote(path))
	}
	if mode&0o022 != 0 {
		return fmt.Errorf("%s can be changed by group or others, who could add keys: chmod go-w %s", escape(path), shellQuote(path))
	}
	return nil
}

// openAdvice adds the next step to the errors that everybody meets.
func openAdvice(path string, err error) error {
	switch quoted := shellQuote(path); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist: put a public key there: install -D -m 600 id_ed25519.pub %s", escape(path), quoted)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: let wiped's user read it: chown %d %s", err, os.Geteuid(), quoted)
	}
	return err
}
