package editor

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestStatusLinesKeepTheLine(t *testing.T) {
	edit(t, Config{Columns: 20}, func(b *bench) {
		b.read()
		b.typed("erase sdb --wait --note abc\x1b[D")
		for i := range 100 {
			if !b.e.WriteStatus(fmt.Appendf(nil, "[job %d] ok", i)) {
				t.Fatal("dropped")
			}
			if i == 50 {
				b.typed("!")
			}
			if i == 60 {
				b.typed("\x01") // the cursor is above the line's last row
			}
			if i == 80 {
				b.typed("\x05")
			}
		}
		var want strings.Builder
		for i := range 100 {
			fmt.Fprintf(&want, "[job %d] ok\n", i)
		}
		b.wantScreen(want.String() + "> erase sdb --wait -\n-note ab!c|")
		b.typed("\r")
		b.wantLine("erase sdb --wait --note ab!c", nil)
	})
}

func TestOutputOfLinesIsNotMixed(t *testing.T) {
	edit(t, Config{}, func(b *bench) {
		fmt.Fprint(b.e, "NAME ")
		b.e.WriteStatus([]byte("[job 1] 10%\r\n"))
		b.e.WriteStatus([]byte("[job 1] 20%"))
		b.wantScreen("NAME |")
		fmt.Fprint(b.e, " SIZE\nsdb ")
		b.wantScreen("NAME  SIZE\nsdb |")
		b.read()
		b.wantScreen("NAME  SIZE\nsdb\n[job 1] 10%\n[job 1] 20%\n> |")
		fmt.Fprint(b.e, "half")
		b.wantScreen("NAME  SIZE\nsdb\n[job 1] 10%\n[job 1] 20%\nhalf\n> |")
	})
}

func TestStatusLinesWaitForAWholeWrite(t *testing.T) {
	var out strings.Builder
	g := newGate()
	edit(t, Config{Out: io.MultiWriter(g, &out)}, func(b *bench) {
		go fmt.Fprint(b.e, strings.Repeat("line\n", 2*queueLimit/5))
		synctest.Wait()
		b.e.out.mu.Lock()
		b.e.out.buf = b.e.out.buf[:piece] // room, but the Write does not know yet
		b.e.out.mu.Unlock()
		if !b.e.WriteStatus([]byte("[job 1] 10%")) {
			t.Error("not taken")
		}
		g.let()
		synctest.Wait()
		if !strings.HasSuffix(out.String(), "line\r\n[job 1] 10%\r\n") || strings.Count(out.String(), "job") != 1 {
			t.Error("the status line is not behind the output")
		}
	})
}

func TestResize(t *testing.T) {
	edit(t, Config{Columns: 80}, func(b *bench) {
		b.read()
		b.typed("erase sdb --wait")
		b.vt.width = 12
		b.e.Resize(12, 24)
		b.typed(" --note x")
		b.vt.width = 80
		b.e.Resize(80, 24)
		for i := range 1000 {
			b.e.Resize(i-10, -i)
		}
		b.typed("y\r")
		b.wantLine("erase sdb --wait --note xy", nil)
	})
}

func TestResizeWider(t *testing.T) {
	edit(t, Config{Columns: 40}, func(b *bench) {
		fmt.Fprintln(b.e, "hello")
		b.read()
		b.typed("erase sdb")
		b.vt.width = 60
		b.e.Resize(60, 24)
		b.e.Resize(60, 30)
		b.typed(" --wait")
		b.wantScreen("hello\n> erase sdb --wait|")
	})
}

// gate is a terminal that takes nothing until it is opened.
type gate struct {
	mu     sync.Mutex
	opened sync.Cond
	open   bool
}

func newGate() *gate {
	g := &gate{}
	g.opened.L = &g.mu
	return g
}

func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.open {
		g.opened.Wait()
	}
	return len(p), nil
}

func (g *gate) let() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = true
	g.opened.Broadcast()
}

func TestSlowTerminal(t *testing.T) {
	g := newGate()
	edit(t, Config{Out: g}, func(b *bench) {
		b.read()
		b.typed("half typed")
		start, taken := time.Now(), 0
		for range 100_000 {
			if b.e.WriteStatus([]byte("[job 1] 43.2% pass 1/2")) {
				taken++
			}
		}
		if taken < 100 || taken > queueLimit/20 {
			t.Errorf("%d lines taken", taken)
		}
		if n := b.e.out.left(); n > queueLimit+piece {
			t.Errorf("%d bytes queued", n)
		}
		if time.Since(start) != 0 {
			t.Error("WriteStatus waited")
		}
		go fmt.Fprintln(b.e, strings.Repeat("x", 10*queueLimit)) // may wait
		go b.e.Resize(33, 44)                                    // so may this
		b.typed(strings.Repeat("y", 1000))
		if b.e.WriteStatus([]byte("one more")) {
			t.Error("a status line is taken while there is no room")
		}
		if n := b.e.out.left(); n > queueLimit+2*piece {
			t.Errorf("%d bytes queued", n)
		}
		g.let()
		synctest.Wait()
		if !b.e.WriteStatus([]byte("one more")) {
			t.Error("a status line is refused while there is room")
		}
		b.typed("\r")
		b.wantLine("half typed"+strings.Repeat("y", 1000), nil)
	})
}

func TestCloseOfAStuckTerminal(t *testing.T) {
	g := newGate()
	edit(t, Config{Out: g}, func(b *bench) {
		b.read()
		wrote := make(chan error)
		go func() {
			_, err := b.e.Write(make([]byte, 10*queueLimit))
			wrote <- err
		}()
		synctest.Wait()
		if err := b.e.Close(); err != ErrUndelivered {
			t.Errorf("Close = %v", err)
		}
		if err := <-wrote; err == nil {
			t.Error("Write says that all is written")
		}
		b.wantLine("", io.EOF)
		g.let() // the owner's part
		synctest.Wait()
	})
}

func TestCloseDelivers(t *testing.T) {
	edit(t, Config{}, func(b *bench) {
		b.read()
		b.typed("half")
		text := strings.Repeat("line\n", queueLimit)
		go fmt.Fprint(b.e, text)
		synctest.Wait()
		fmt.Fprintln(b.e, "Noooo don't go awayyyyy...")
		if err := b.e.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		if got := b.vt.String(); !strings.HasSuffix(got, "Noooo don't go awayyyyy...\n> half\n|") {
			t.Errorf("screen ends with %q", got[len(got)-60:])
		}
		b.wantLine("", io.EOF)
		if err := b.e.Close(); err != nil {
			t.Errorf("second Close = %v", err)
		}
		if _, err := fmt.Fprint(b.e, "more"); err == nil || b.e.WriteStatus([]byte("more")) {
			t.Error("output is taken after Close")
		}
	})
}

// full is a terminal that is gone.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestTerminalGone(t *testing.T) {
	edit(t, Config{Out: full{}}, func(b *bench) {
		b.read()
		b.wantLine("", io.EOF)
		if _, err := fmt.Fprint(b.e, "more"); err == nil || b.e.WriteStatus([]byte("more")) {
			t.Error("output is taken")
		}
		b.confirm()
		b.wantLine("", io.EOF)
	})
}

// Whatever is typed and printed, in whatever order, the screen ends with the prompt and the line, and all that was printed
// stands above it, once and unharmed.
func TestScreenAtRandom(t *testing.T) {
	keys := []string{
		"a", "b", "ö", "word ", "a rather long piece of text ",
		"\x7f", "\x01", "\x05", "\x02", "\x06", "\x17", "\x15", "\x0b", "\x14", "\x1b[A", "\x1b[B", "\x1b[3~", "\x1b[1;5D", "\x1b[1;5C", "\t",
		"\x1b[200~pasted \x1b[201~",
	}
	for seed := range 100 {
		rnd := rand.New(rand.NewPCG(uint64(seed), 0))
		width := 10 + rnd.IntN(30)
		edit(t, Config{Columns: width}, func(b *bench) {
			var log []string
			typed := "long enough for several rows of the screen\r"
			b.read()
			b.typed(typed)
			b.wantLine(typed[:len(typed)-1], nil)
			b.vt.Write([]byte("\x1b[2J"))
			b.read()
			b.typed("x")
			for n := range 100 {
				if rnd.IntN(4) == 0 {
					lines := strings.Repeat(fmt.Sprint("[", n, "]\n"), 1+rnd.IntN(4))
					log = append(log, lines)
					fmt.Fprint(b.e, lines)
				} else {
					key := keys[rnd.IntN(len(keys))]
					typed += fmt.Sprintf("%q ", key)
					b.typed(key)
				}
			}
			b.typed("\x05.")
			got := b.vt.String()
			b.typed("\r")
			r := <-b.lines
			want := newVT(t, width)
			fmt.Fprint(want, strings.ReplaceAll(strings.Join(append(log, "> "+r.line), ""), "\n", "\r\n"))
			if (2+len([]rune(r.line)))%width == 0 {
				fmt.Fprint(want, "\r\n")
			}
			if got != want.String() {
				t.Errorf("width %d, keys %s\n%s\n--- want:\n%s", width, typed, got, want)
			}
		})
		if t.Failed() {
			break
		}
	}
}
