// Package plot draws line charts as SVG. It knows numbers and nothing of what they mean.
package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
)

// Chart is some lines over the same points, which stand at even distances: what grows is meant to grow by factors.
type Chart struct {
	Title, X, Y string // Y is the unit
	At          []float64
	Lines       []Line
}

// Line has a value for each point of its chart; NaN where there is none.
type Line struct {
	Name   string
	Values []float64
	Dashed bool
}

// The sheet, in pixels: the area of the lines with what stands around it.
const (
	width, height            = 760, 400
	left, right, top, bottom = 80, 190, 50, 60
)

// colours can be told apart by people who see fewer of them, and on white and on dark grey (Okabe and Ito).
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"}

// SVG draws a chart.
func SVG(c Chart) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	text(&b, left, top-22, "start", c.Title, `font-weight="bold"`)
	most := nice(c.highest())
	y := func(v float64) float64 { return height - bottom - v/most*(height-top-bottom) }
	x := func(n int) float64 {
		return left + float64(n)/math.Max(1, float64(len(c.At)-1))*(width-left-right)
	}
	const steps = 5
	for n := range steps + 1 {
		v := most * float64(n) / steps
		fmt.Fprintf(&b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/>`+"\n", left, y(v), width-right, y(v))
		text(&b, left-8, y(v)+4, "end", short(v), "")
	}
	text(&b, left-8, top-8, "end", c.Y, "")
	for n, at := range c.At {
		text(&b, x(n), height-bottom+20, "middle", short(at), "")
	}
	text(&b, (left+width-right)/2, height-bottom+42, "middle", c.X, "")
	for n, line := range c.Lines {
		line.draw(&b, x, y, colours[n%len(colours)], top+float64(n)*20)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// draw draws a line with its points, and its name at height beside the chart.
func (l Line) draw(b *bytes.Buffer, x func(int) float64, y func(float64) float64, colour string, height float64) {
	dashes := ""
	if l.Dashed {
		dashes = ` stroke-dasharray="6 4"`
	}
	path, move := "", "M"
	for n, v := range l.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			move = "M"
			continue
		}
		path += fmt.Sprintf("%s%.1f %.1f", move, x(n), y(v))
		move = "L"
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"><title>%s</title></circle>`+"\n", x(n), y(v), colour, short(v))
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", path, colour, dashes)
	fmt.Fprintf(b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="%s" stroke-width="2"%s/>`+"\n", width-right+15, height, width-right+40, height, colour, dashes)
	text(b, width-right+46, height+4, "start", l.Name, "")
}

func (c Chart) highest() (most float64) {
	for _, l := range c.Lines {
		for _, v := range l.Values {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				most = math.Max(most, v)
			}
		}
	}
	return most
}

// nice is the next number up that five steps divide well: 1, 2, 2.5 or 5 times a power of ten.
func nice(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 7.5} {
		if v <= f*power {
			return f * power
		}
	}
	return 10 * power
}

// short writes a number in three digits.
func short(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func text(b *bytes.Buffer, x, y float64, anchor, words, more string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" %s>`, x, y, anchor, more)
	_ = xml.EscapeText(b, []byte(words)) // a buffer takes everything
	b.WriteString("</text>\n")
}
