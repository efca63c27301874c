package main

import (
	"errors"
	"fmt"
	"strings"
)

// requirement is a line of the table.
type requirement struct {
	number  string // "A-037"
	subject string
	text    string
	reason  string // why no test bears the number; empty for one that has tests
}

func parseTable(text string) (out []requirement, err error) {
	for i, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
		cells := strings.Split(line, "\t")
		if len(cells) < 3 || len(cells) > 4 {
			return nil, fmt.Errorf("line %d has not three or four columns: %q", i+2, line)
		}
		r := requirement{number: cells[0], subject: cells[1], text: cells[2]}
		if len(cells) == 4 {
			r.reason = cells[3]
		}
		out = append(out, r)
	}
	return out, nil
}

// unexplained are the requirements that have neither a test nor a reason, or both.
func unexplained(table []requirement, found proofs) (out []error) {
	known := map[string]bool{}
	for _, r := range table {
		known[r.number] = true
		switch tests := found[r.number]; {
		case len(tests) == 0 && r.reason == "":
			out = append(out, fmt.Errorf("%s has no test (%s); write one whose name bears the number, or the reason into %s", r.number, r.text, tablePath))
		case len(tests) > 0 && r.reason != "":
			out = append(out, fmt.Errorf("%s is proven by %s; take the reason %q out of %s", r.number, tests[0], r.reason, tablePath))
		}
	}
	for number, tests := range found {
		if !known[number] {
			out = append(out, fmt.Errorf("%s bears %s, which is no requirement", tests[0], number))
		}
	}
	return out
}

// differences are the lines that the document has and the run has not, and the other way round.
func differences(listed, found proofs) (out []error) {
	for _, d := range []struct {
		have, want proofs
		word       string
	}{{found, listed, "no test of the run is"}, {listed, found, documentPath + " does not list"}} {
		for number, tests := range d.want {
			for _, t := range tests {
				if !d.have.has(number, t) {
					out = append(out, fmt.Errorf("%s: %s %q", number, d.word, t))
				}
			}
		}
	}
	if len(out) > 0 {
		out = append(out, errors.New("run `make docs` when that is as it should be"))
	}
	return out
}
