package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is a line of `go test -json` (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of a build's output
	Test       string // with its subtests, separated by slashes; empty for the package
	Output     string
}

// name tells a test from those of other packages.
type name struct{ pkg, test string }

// outcomes are the tests of a run.
type outcomes struct {
	passed, skipped map[name]bool
	failed          int // packages
}

// follow reads a run to its end. It prints each package's line, and everything that a test said which did not pass.
func follow(in io.Reader, out io.Writer) (*outcomes, error) {
	o := &outcomes{passed: map[name]bool{}, skipped: map[name]bool{}}
	said := map[name]*strings.Builder{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(out, lines.Text()) // Not from test2json: go itself speaks.
			continue
		}
		n := name{e.Package, e.Test}
		switch e.Action {
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "output":
			if e.Test == "" {
				if worthShowing(e.Output) {
					fmt.Fprint(out, e.Output)
				}
				continue
			}
			if said[n] == nil {
				said[n] = &strings.Builder{}
			}
			said[n].WriteString(e.Output)
		case "pass", "skip", "fail":
			switch {
			case e.Action == "fail" && e.Test == "":
				o.failed++
				for unfinished, text := range said { // A panic or a timeout ends a test without a word about it.
					if unfinished.pkg == e.Package {
						fmt.Fprint(out, text.String())
					}
				}
			case e.Action == "fail":
				if text := said[n]; text != nil {
					fmt.Fprint(out, text.String())
				}
			case e.Action == "pass":
				o.passed[n] = true
			default:
				o.skipped[n] = true
			}
			delete(said, n)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the test run: %w", err)
	}
	if len(o.passed)+len(o.skipped)+o.failed == 0 {
		return nil, fmt.Errorf("no test ran")
	}
	return o, nil
}

// worthShowing leaves out the packages' PASS, which their result line says again.
func worthShowing(line string) bool { return line != "PASS\n" }
