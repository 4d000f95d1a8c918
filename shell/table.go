package shell

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// column is one column of a table. A column that may wrap gives way, down to its least width, where the table would be
// wider than the screen; what does not fit goes on in the next line, and nothing is ever cut off.
type column struct {
	title string
	least int // 0: never narrower than its widest cell
}

// table prints rows under titles, if there are any, two blanks apart, in at most width columns where that is possible.
func table(w io.Writer, width int, columns []column, rows [][]string) {
	widths := layout(width, columns, rows)
	titles := make([]string, len(columns))
	for n, c := range columns {
		titles[n] = c.title
	}
	if strings.Join(titles, "") != "" {
		rows = append([][]string{titles}, rows...)
	}
	for _, row := range rows {
		printRow(w, widths, row)
	}
}

func layout(width int, columns []column, rows [][]string) []int {
	widths := make([]int, len(columns))
	total := 2 * (len(columns) - 1)
	for n, c := range columns {
		widths[n] = len(c.title)
		for _, row := range rows {
			widths[n] = max(widths[n], utf8.RuneCountInString(row[n]))
		}
		total += widths[n]
	}
	for total > width {
		widest := -1
		for n, c := range columns {
			if c.least > 0 && widths[n] > c.least && (widest < 0 || widths[n] > widths[widest]) {
				widest = n
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}

func printRow(w io.Writer, widths []int, row []string) {
	cells, height := make([][]string, len(row)), 0
	for n, text := range row {
		cells[n] = fold(text, widths[n])
		height = max(height, len(cells[n]))
	}
	for line := range height {
		var b strings.Builder
		for n, cell := range cells {
			text := ""
			if line < len(cell) {
				text = cell[line]
			}
			b.WriteString(text + strings.Repeat(" ", widths[n]-utf8.RuneCountInString(text)+2))
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// fold breaks text into lines of at most width characters, between words where it can.
func fold(text string, width int) []string {
	if utf8.RuneCountInString(text) <= width {
		return []string{text} // blanks within a serial are part of it
	}
	var folded []string
	line := []rune{}
	for _, word := range strings.Fields(text) {
		rest := []rune(word)
		if len(line) > 0 && len(line)+1+len(rest) <= width {
			line = append(append(line, ' '), rest...)
			continue
		}
		if len(line) > 0 {
			folded = append(folded, string(line))
		}
		for ; len(rest) > width; rest = rest[width:] {
			folded = append(folded, string(rest[:width]))
		}
		line = rest
	}
	return append(folded, string(line))
}

// paragraph prints text in lines of at most width columns, each after indent blanks.
func paragraph(w io.Writer, width, indent int, text string) {
	for _, line := range fold(text, width-indent) {
		fmt.Fprintln(w, strings.TrimRight(strings.Repeat(" ", indent)+line, " "))
	}
}

// plainWidth is the width of tables where there is no terminal to ask.
const plainWidth = 80
