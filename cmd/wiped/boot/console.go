package boot

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Console is what a person in front of the machine sees: plain lines, one below the other, on every console that the
// kernel was given, so that they can be read on a screen, over a serial line and in a log of either. Nothing is read from
// it. Its methods may be called from any goroutine, and none waits for a slow console.
type Console struct {
	mu    sync.Mutex
	outs  []chan string
	left  atomic.Int64 // lines that are not written yet, of all consoles
	block string
	part  []byte // of a line that Write has not seen the end of
}

// backlog is how many lines a console may be behind before it loses some.
const backlog = 1000

// newConsole writes to each of these files.
func newConsole(files []*os.File) *Console {
	c := &Console{}
	for _, f := range files {
		out := make(chan string, backlog)
		c.outs = append(c.outs, out)
		go c.drain(f, out)
	}
	return c
}

func (c *Console) drain(f *os.File, lines <-chan string) {
	for line := range lines {
		_, _ = f.WriteString(line + "\n") // nobody is left to tell
		c.left.Add(-1)
	}
}

// flushTime is how long a console may take over its last lines.
const flushTime = 3 * time.Second

// Flush waits until every line stands on every console, but not for one that stands still.
func (c *Console) Flush() {
	for end := time.Now().Add(flushTime); c.left.Load() > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
}

// openConsole opens every console of the kernel. /dev/console alone would be the last one named on the command line.
func openConsole() (*Console, error) {
	active, err := os.ReadFile("/sys/class/tty/console/active")
	names := strings.Fields(string(active))
	if err != nil || len(names) == 0 {
		names = []string{"console"}
	}
	var files []*os.File
	for _, name := range names {
		var f *os.File
		if f, err = os.OpenFile("/dev/"+name, os.O_WRONLY|unix.O_NOCTTY, 0); err == nil {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return newConsole([]*os.File{os.Stderr}), fmt.Errorf("open the console: %w", err)
	}
	return newConsole(files), nil
}

// Line shows a line as it happens, such as the status line of a job.
func (c *Console) Line(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line(text)
}

// Write shows the lines of a log; it never fails.
func (c *Console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.part = append(c.part, p...)
	for {
		line, rest, ok := strings.Cut(string(c.part), "\n")
		if !ok {
			return len(p), nil
		}
		c.line(line)
		c.part = []byte(rest)
	}
}

// show shows the status block if it is not the one that was shown last.
func (c *Console) show(block []string) {
	text := strings.Join(block, "\n")
	c.mu.Lock()
	defer c.mu.Unlock()
	if text == c.block {
		return
	}
	c.block = text
	for _, line := range block {
		c.line(line)
	}
}

func (c *Console) line(text string) {
	text = printable(text)
	for _, out := range c.outs {
		c.left.Add(1)
		select {
		case out <- text:
		default:
			c.left.Add(-1) // the console stands still (flow control, no terminal): what it misses is in the log
		}
	}
}
