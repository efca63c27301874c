package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// print writes the table of verdicts, and then everything else that was measured.
func (r *Results) print(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "BENCHMARK\tMETRIC\tTARGET\tMEASURED\tVERDICT\tOURS\tBESIDE IT")
	for _, v := range r.Verdicts {
		fmt.Fprintln(t, strings.Join(v.cells(), "\t"))
	}
	fmt.Fprintln(t)
	for _, name := range slices.Sorted(maps.Keys(r.Measured)) {
		fmt.Fprintf(t, "%s\t%s\n", name, r.Measured[name])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if n := r.count(Missed); n > 0 {
		fmt.Fprintf(out, "\n*** %d of %d TARGETS MISSED ***\n", n, len(r.Verdicts))
		for _, v := range r.Verdicts {
			if v.Outcome == Missed {
				fmt.Fprintf(out, "*** %s %s is %s, not %s %s: %s\n", v.Benchmark, v.Metric, v.value(), v.Bound, number(v.Limit), v.Why)
			}
		}
	}
	_, err := fmt.Fprintf(out, "\n%d met, %d missed, %d not measured\n", r.count(Met), r.count(Missed), r.count(Unmeasured))
	return err
}

// cells are those of the table.
func (v Verdict) cells() []string {
	return []string{
		v.Benchmark, v.Metric, fmt.Sprintf("%s %s", v.Bound, number(v.Limit)), v.value(), string(v.Outcome),
		withUnit(v.OursValue, v.Ours), withUnit(v.TheirsValue, v.Theirs),
	}
}

func (v Verdict) value() string {
	if v.Value == nil {
		return "–"
	}
	return number(*v.Value)
}

func withUnit(value *float64, unit string) string {
	if value == nil {
		return ""
	}
	return number(*value) + " " + unit
}

// String is all metrics in one line.
func (m Metrics) String() string {
	var words []string
	for _, unit := range slices.Sorted(maps.Keys(m)) {
		words = append(words, number(m[unit])+" "+unit)
	}
	return strings.Join(words, ", ")
}

// number has three digits, or all those before the point.
func number(f float64) string {
	if f >= 100 || f <= -100 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'g', 3, 64)
}

// Markers of the table in the document.
const (
	tableBegins = "<!-- results: written by make bench -->"
	tableEnds   = "<!-- end of results -->"
)

// insert writes the table into the document, between its markers.
func (r *Results) insert(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return fmt.Errorf("%s: want the lines %q and %q around the table", name, tableBegins, tableEnds)
	}
	return os.WriteFile(name, []byte(before+tableBegins+"\n"+r.markdown()+tableEnds+after), 0o644)
}

func (r *Results) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nMeasured on %s", r.When.Format("2006-01-02"))
	if cpu := r.Machine["cpu"]; cpu != "" {
		fmt.Fprintf(&b, ", %s", cpu)
	}
	low, high, known := r.load()
	if known {
		fmt.Fprintf(&b, ", at a load of %s to %s", number(low), number(high))
	}
	b.WriteString(".\n\n| benchmark | metric | target | measured | | ours | beside it | why |\n|---|---|--:|--:|---|--:|--:|---|\n")
	for _, v := range r.Verdicts {
		fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(v.cells(), " | "), v.Why)
	}
	b.WriteString("\n")
	return b.String()
}

// load is the range of the machine's load while benchmarks that report it ran.
func (r *Results) load() (low, high float64, known bool) {
	for _, m := range r.Measured {
		if l, ok := m["load"]; ok {
			if !known {
				low, high = l, l
			}
			low, high, known = min(low, l), max(high, l), true
		}
	}
	return low, high, known
}
