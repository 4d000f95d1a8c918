package privsep

import (
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// TestSpares: a socket that nobody took is closed after a while, however many come and are taken meanwhile.
func TestSpares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := spares{most: 2}
		left, _ := sockets(t)
		s.put(left)
		for range 10 {
			fd, other := sockets(t)
			s.put(fd)
			if s.wanted() {
				t.Error("another one is wanted")
			}
			if got := s.take(); got != fd {
				t.Errorf("took %d; want the newest, %d", got, fd)
			}
			unix.Close(fd)
			unix.Close(other)
			time.Sleep(spareTime / 20)
		}
		if len(s.list) != 1 || !isOpen(left) {
			t.Fatal("one that may still be wanted is gone")
		}
		time.Sleep(spareTime)
		synctest.Wait()
		if len(s.list) != 0 || isOpen(left) || s.timed || !s.wanted() || s.take() != none {
			t.Errorf("%d are kept that nobody wants", len(s.list))
		}
	})
}

func isOpen(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

func sockets(t *testing.T) (ours, theirs int) {
	t.Helper()
	ours, theirs, err := pair(unix.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}
