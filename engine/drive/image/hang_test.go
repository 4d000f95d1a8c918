package image

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The part of userfaultfd (linux/userfaultfd.h) by which somebody who touches a page waits until we provide it.
const (
	faultAPI        = 0xAA
	ioctlAPI        = 0xC018AA3F
	ioctlRegister   = 0xC020AA00
	ioctlUnregister = 0x8010AA01
	registerMissing = 1
)

// hang makes whoever touches the mapping wait, as a file system does that does not answer. It returns a function that waits until
// somebody does, and one that ends it.
func hang(t *testing.T, mapping []byte) (waited, end func()) {
	t.Helper()
	fd, _, errno := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC, 0, 0)
	if errno != 0 {
		t.Skipf("no userfaultfd: %v", errno)
	}
	t.Cleanup(func() { _ = unix.Close(int(fd)) })
	order := func(number uintptr, arg unsafe.Pointer) {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, number, uintptr(arg)); errno != 0 {
			t.Fatalf("userfaultfd: %#x: %v", number, errno)
		}
	}
	order(ioctlAPI, unsafe.Pointer(&struct{ api, features, ioctls uint64 }{api: faultAPI}))
	area := struct{ start, length, mode, ioctls uint64 }{uint64(uintptr(unsafe.Pointer(&mapping[0]))), uint64(os.Getpagesize()), registerMissing, 0}
	order(ioctlRegister, unsafe.Pointer(&area))
	return func() {
			var message [32]byte
			if n, err := unix.Read(int(fd), message[:]); n != len(message) || err != nil {
				t.Errorf("userfaultfd: %d bytes, %v", n, err)
			}
		}, func() {
			order(ioctlUnregister, unsafe.Pointer(&area)) // wakes them, too
		}
}

// TestHungFileSystem: while the last page of an image cannot be written the program goes on. What has to stop every
// thread for a moment, as the garbage collector has, does not wait for that write.
func TestHungFileSystem(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "wiped")
	if err != nil {
		t.Skipf("no file system in memory: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	const size = 64<<10 + 512
	file := filepath.Join(dir, "a.img")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, size); err != nil { // all of it a hole: only pages that are not there can be waited for
		t.Fatal(err)
	}
	claim, err := first(t, source(t, file)).Claim()
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Close()
	w, err := claim.Writer()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	waited, end := hang(t, w.(*writer).tail)
	want := bytes.Repeat([]byte{0xA5}, 512)
	written := make(chan error)
	go func() {
		_, err := w.WriteAt(want, size-512)
		written <- err
	}()
	waited()
	for range 3 {
		runtime.GC()
	}
	select {
	case err := <-written:
		t.Fatalf("the write did not wait: %v", err)
	default:
	}
	end()
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || len(got) != size || !bytes.Equal(got[size-512:], want) {
		t.Errorf("the file has %d bytes, %v; its end is as written: %v", len(got), err, bytes.HasSuffix(got, want))
	}
}
