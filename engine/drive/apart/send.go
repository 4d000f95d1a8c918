package apart

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
)

// The descriptors of the process besides its standard ones: the drive, what is only held, and last the mark.
const (
	deviceAt = 3
	heldAt   = 4
)

// send has a process send the command, and waits for its answer and its end.
func (f *firmware) send(o drive.Order) error {
	text, err := json.Marshal(request{o.Action, o.Token, f.node, len(o.Held)})
	if err != nil {
		return notStarted(err)
	}
	said, complaint := &limited{most: mostWords}, &limited{most: 16 << 10}
	cmd := f.start(f.node.Info.Name, string(o.Action))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), said, complaint
	cmd.ExtraFiles = append(append([]*os.File{f.dev}, o.Held...), o.Mark)
	cmd.Env, cmd.Dir = []string{"GOTRACEBACK=single"}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no ^C that is meant for this process, and no end with it
	// What this process was started with, and does not know of, is not for the other one either.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err := cmd.Start(); err != nil {
		return notStarted(err)
	}
	ended := cmd.Wait()
	a, err := parseAnswer(said.Bytes(), o)
	if err != nil {
		return fmt.Errorf("the process that sent it ended (%s) without an answer: %w%s", how(cmd, ended), err, complaint.tail())
	}
	return a.err()
}

// notStarted is the refusal where nothing was sent.
func notStarted(err error) *drive.RefusedError {
	return &drive.RefusedError{Why: "it was not told to erase itself: the process that was to do it did not start", Text: plain(err.Error())}
}

func how(cmd *exec.Cmd, err error) string {
	if cmd.ProcessState != nil {
		return cmd.ProcessState.String()
	}
	return plain(fmt.Sprint(err))
}

// left reads the answer that a process left in the mark of its order.
func left(o drive.Order) error {
	text, err := io.ReadAll(io.NewSectionReader(o.Mark, 0, mostWords+1))
	if err != nil {
		return fmt.Errorf("%w: %w", drive.ErrNoAnswer, err)
	}
	a, err := parseAnswer(text, o)
	if err != nil {
		return fmt.Errorf("%w: %w", drive.ErrNoAnswer, err)
	}
	if a.Failed != "" {
		return fmt.Errorf("%w: %s", drive.ErrNoAnswer, a.Failed)
	}
	return a.err()
}

// limited keeps the first bytes of what is written to it, and one more, so that it shows that there were more.
type limited struct {
	bytes.Buffer
	most int
}

func (l *limited) Write(p []byte) (int, error) {
	if room := l.most + 1 - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// tail is what a process complained of, for an error.
func (l *limited) tail() string {
	if l.Len() == 0 {
		return ""
	}
	return "; it said: " + plain(string(bytes.TrimSpace(l.Bytes())))
}
