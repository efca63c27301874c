package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// chart has logarithmic axes.
type chart struct {
	title, xLabel string
	series        []series
}

type series struct {
	label  string
	points [][2]float64 // x and y; what is not above 0 has no place and is left out
}

// Sizes in the units of the drawing.
const (
	chartWidth, chartHeight          = 460, 330
	left, right, top, bottom         = 56, 20, 34, 44
	legendLine                       = 18
	plotWidth, plotHeight    float64 = chartWidth - left - right, chartHeight - top - bottom
)

// colors are told apart by people who do not see all of them.
var colors = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7"}

// draw sets charts beside each other, with the legend of the first, whose series all have, below.
func draw(charts []chart) []byte {
	var b bytes.Buffer
	legend := charts[0].series
	width, height := chartWidth*len(charts), chartHeight+legendLine*len(legend)+12
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	for i, c := range charts {
		fmt.Fprintf(&b, `<g transform="translate(%d 0)">`+"\n", i*chartWidth)
		c.draw(&b)
		fmt.Fprintln(&b, "</g>")
	}
	for i, s := range legend {
		y := chartHeight + legendLine*i + 8
		fmt.Fprintf(&b, `<path d="M%d %dh26" stroke="%s" stroke-width="2"/><text x="%d" y="%d">%s</text>`+"\n", left, y, color(i), left+34, y+4, html.EscapeString(s.label))
	}
	fmt.Fprintln(&b, "</svg>")
	return b.Bytes()
}

func color(n int) string { return colors[n%len(colors)] }

func (c chart) draw(b *bytes.Buffer) {
	x, y := c.axis(0, plotWidth), c.axis(1, plotHeight)
	fmt.Fprintf(b, `<text x="%d" y="20" font-size="14">%s</text>`+"\n", left, html.EscapeString(c.title))
	for at := x.low; at <= x.high; at++ {
		fmt.Fprintf(b, `<path d="M%.1f %dv%.0f" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			left+x.place(at), top, plotHeight, left+x.place(at), chartHeight-bottom+16, power(at))
	}
	for at := y.low; at <= y.high; at++ {
		fmt.Fprintf(b, `<path d="M%d %.1fh%.0f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, top+plotHeight-y.place(at), plotWidth, left-6, top+plotHeight-y.place(at)+4, power(at))
	}
	fmt.Fprintf(b, `<text x="%.0f" y="%d" text-anchor="middle">%s</text>`+"\n", left+plotWidth/2, chartHeight-8, html.EscapeString(c.xLabel))
	for i, s := range c.series {
		var line strings.Builder
		for _, p := range s.points {
			if p[0] <= 0 || p[1] <= 0 {
				continue
			}
			px, py := left+x.place(math.Log10(p[0])), top+plotHeight-y.place(math.Log10(p[1]))
			fmt.Fprintf(&line, "%.1f,%.1f ", px, py)
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"><title>%s: %s</title></circle>`+"\n", px, py, color(i), number(p[0]), number(p[1]))
		}
		fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.TrimSpace(line.String()), color(i))
	}
}

// axis is logarithmic: its ends are powers of ten.
type axis struct{ low, high, length float64 }

// axis spans all values of a dimension.
func (c chart) axis(dimension int, length float64) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range c.series {
		for _, p := range s.points {
			if v := p[dimension]; v > 0 {
				low, high = min(low, math.Floor(math.Log10(v))), max(high, math.Ceil(math.Log10(v)))
			}
		}
	}
	if low > high {
		low, high = 0, 1
	}
	return axis{low, max(high, low+1), length}
}

func (a axis) place(logarithm float64) float64 {
	return (logarithm - a.low) / (a.high - a.low) * a.length
}

// power writes a power of ten.
func power(exponent float64) string {
	return strconv.FormatFloat(math.Pow(10, exponent), 'f', max(0, int(-exponent)), 64)
}
