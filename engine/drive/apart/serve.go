package apart

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
)

// shelter makes this process one that only the end of its order ends: nobody may end it between a password and the erase that
// takes it off, and it does not mind that nobody hears its answer.
func shelter() {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
}

// Serve is the process: it sends the one command that in tells of, by the first of the sets that speaks to the drive, and leaves
// the answer in the mark and on out. The error is that it was not started as EraseApart starts it, and did nothing.
func Serve(sets []drive.CommandSet, in io.Reader, out io.Writer) error {
	dev, err := inherited(deviceAt, "drive")
	if err != nil {
		return err
	}
	shelter()
	text, err := io.ReadAll(io.LimitReader(in, mostWords+1))
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	r, err := parseRequest(text)
	if err != nil {
		return err
	}
	mark, err := inherited(heldAt+r.Held, "mark")
	if err != nil {
		return err
	}
	answer, err := json.Marshal(answered(r, obey(sets, dev, r)))
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	// Who started this process may be gone, and asks the mark when it is back. What cannot be written counts as no answer.
	if _, err := mark.WriteAt(answer, 0); err == nil {
		_ = mark.Sync()
	}
	_, _ = out.Write(answer)
	return nil
}

// inherited is a descriptor that this process was started with.
func inherited(fd int, what string) (*os.File, error) {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		return nil, fmt.Errorf("no %s was handed over", what)
	}
	return os.NewFile(uintptr(fd), what), nil
}

// obey is Erase. Its first errors are those of a drive that was told nothing.
func obey(sets []drive.CommandSet, dev *os.File, r request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "%s", debug.Stack())
			err = fmt.Errorf("a defect in wiped: %v", p)
		}
	}()
	at := slices.IndexFunc(sets, func(s drive.CommandSet) bool { return s.Speaks(r.Node) })
	if at < 0 {
		return notStarted(errors.New("nobody there speaks its language"))
	}
	f, err := sets[at].Firmware(dev, r.Node)
	if err != nil {
		return notStarted(err)
	}
	defer f.Close()
	return f.Erase(r.Action)
}
