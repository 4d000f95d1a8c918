package editor

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// vt is a screen as a person would see it: just so much of a terminal as x/term makes use of, with the delayed wrap at
// the right edge that real ones have. A sequence it does not know fails the test.
type vt struct {
	t     testing.TB
	mu    sync.Mutex
	width int
	rows  [][]rune // all rows ever, the last ones are on the screen
	x, y  int
	wrap  bool // the cursor is past the last column
	bells int
	modes []string
	part  []byte // of a character or sequence that is not complete
}

func newVT(t testing.TB, width int) *vt { return &vt{t: t, width: width, rows: [][]rune{nil}} }

func (v *vt) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.part = append(v.part, p...)
	for len(v.part) > 0 {
		n := v.step(v.part)
		if n == 0 {
			break
		}
		v.part = v.part[n:]
	}
	return len(p), nil
}

func (v *vt) step(p []byte) int {
	if p[0] == escape {
		return v.sequence(p)
	}
	if !utf8.FullRune(p) {
		return 0
	}
	r, n := utf8.DecodeRune(p)
	switch {
	case r == '\r':
		v.x, v.wrap = 0, false
	case r == '\n':
		v.down()
	case r == '\a':
		v.bells++
	case r >= ' ' && (r < 0x7f || r > 0x9f):
		v.print(r)
	default:
		v.t.Errorf("control character %q on the screen", r)
	}
	return n
}

func (v *vt) print(r rune) {
	if v.wrap {
		v.x, v.wrap = 0, false
		v.down()
	}
	row := v.rows[v.y]
	for len(row) <= v.x {
		row = append(row, ' ')
	}
	row[v.x] = r
	v.rows[v.y] = row
	if v.x++; v.x == v.width {
		v.x, v.wrap = v.width-1, true
	}
}

func (v *vt) down() {
	v.wrap = false
	if v.y++; v.y == len(v.rows) {
		v.rows = append(v.rows, nil)
	}
}

func (v *vt) sequence(p []byte) int {
	end := 2
	for end < len(p) && p[end] < '@' {
		end++
	}
	if len(p) <= end {
		return 0
	}
	arg, n := string(p[2:end]), 0
	fmt.Sscan(arg, &n)
	v.apply(p[end], arg, n)
	return end + 1
}

func (v *vt) apply(final byte, arg string, n int) {
	defer func() { v.wrap = v.wrap && (final == 'h' || final == 'l') }()
	switch final {
	case 'A':
		v.y = max(0, v.y-max(1, n))
	case 'B':
		v.y = min(len(v.rows)-1, v.y+max(1, n))
	case 'C':
		v.x = min(v.width-1, v.x+max(1, n))
	case 'D':
		v.x = max(0, v.x-max(1, n))
	case 'K':
		v.rows[v.y] = v.rows[v.y][:min(v.x, len(v.rows[v.y]))]
	case 'J':
		if n == 2 {
			v.rows = append(v.rows[:0], nil)
			v.x, v.y = 0, 0
			return
		}
		v.rows[v.y] = v.rows[v.y][:min(v.x, len(v.rows[v.y]))]
		v.rows = v.rows[:v.y+1]
	case 'H':
		v.x, v.y = 0, 0
	case 'h', 'l':
		v.modes = append(v.modes, arg+string(final))
	default:
		v.t.Errorf("unknown sequence ESC [ %s %c", arg, final)
	}
}

// String is the rows without blanks at their ends, and with | where the cursor is.
func (v *vt) String() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var b strings.Builder
	for y, row := range v.rows {
		line := string(row)
		if y == v.y {
			line = fmt.Sprintf("%-*s", v.x, line)
			at := len(string([]rune(line)[:v.x]))
			line = line[:at] + "|" + line[at:]
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}
