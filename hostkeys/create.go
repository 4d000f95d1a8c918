package hostkeys

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// create makes the private key at path unless something is there, and tells whether it did. The public one is left to
// load, which makes it whenever it is missing, so also after a crash between the two.
func create(path string, spec spec) (bool, error) {
	_, public := os.Lstat(path + ".pub") // looked for first: another process makes the private key, and the public one after it
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, nil // whatever is wrong with it, load says it
	}
	// Our own crash cannot leave a public key alone; somebody lost or moved the private one.
	if public == nil {
		return false, fmt.Errorf("create host key: %s is missing though %s.pub is there: bring it back from a backup, or have a new one made (%s): mv %s %s",
			path, path, spec.consequence(), shellQuote(path+".pub"), shellQuote(path+".pub.old"))
	}
	key, err := spec.generate()
	if err != nil {
		return false, fmt.Errorf("create host key %s: %w", path, err)
	}
	block, err := ssh.MarshalPrivateKey(key, spec.comment)
	if err != nil {
		return false, fmt.Errorf("create host key %s: %w", path, err)
	}
	switch err := publish(path, pem.EncodeToMemory(block), 0o600); {
	case errors.Is(err, fs.ErrExist):
		return false, nil // another process was faster; its key counts
	case err != nil:
		return false, fmt.Errorf("create host key: %w", err)
	}
	return true, nil
}

// publish writes a new file that is there whole and durable or not at all. It is fs.ErrExist if path exists already:
// nothing is ever overwritten.
func publish(path string, content []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := renameNew(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// renameNew renames without replacing. Not every file system can do that in one step (NFS), and not every one has hard
// links (FAT).
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return linkNew(from, to)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

func linkNew(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
