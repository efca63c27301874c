package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
)

// Results is results.json.
type Results struct {
	When     time.Time          `json:"when"`
	Machine  map[string]string  `json:"machine"` // what the benchmarks say of it: goos, goarch, cpu
	Verdicts []Verdict          `json:"verdicts"`
	Measured map[string]Metrics `json:"measured"` // by benchmark, without the prefix Benchmark
	Curve    *Curve             `json:"curve,omitempty"`
}

// Metrics are values by unit, as the benchmark reports them.
type Metrics map[string]float64

// add keeps the last value of a benchmark that ran more than once.
func (r *Results) add(name, unit string, value float64) {
	if r.Measured[name] == nil {
		r.Measured[name] = Metrics{}
	}
	r.Measured[name][unit] = value
}

// machineKeys are the lines of `go test` that are about the machine.
var machineKeys = []string{"goos", "goarch", "cpu"}

// readBenchmarks takes the results among the lines of `go test -bench`. A benchmark whose own times mean nothing reports 0 ns/op,
// which is left out.
func (r *Results) readBenchmarks(in io.Reader, name string) error {
	lines := benchfmt.NewReader(in, name)
	for lines.Scan() {
		switch line := lines.Result().(type) {
		case *benchfmt.Result:
			for _, key := range machineKeys {
				if value := line.GetConfig(key); value != "" {
					r.Machine[key] = value
				}
			}
			for _, v := range line.Values {
				unit, value := v.Unit, v.Value
				if v.OrigUnit != "" {
					unit, value = v.OrigUnit, v.OrigValue
				}
				if unit != "ns/op" || value != 0 {
					r.add(plainName(line.Name), unit, value)
				}
			}
		case *benchfmt.SyntaxError:
			return fmt.Errorf("read benchmarks: %w", line)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read benchmarks of %s: %w", name, err)
	}
	return nil
}

// plainName is the name without the number of processors.
func plainName(n benchfmt.Name) string {
	base, parts := n.Parts()
	name := string(base)
	for _, p := range parts {
		if p[0] == '/' {
			name += string(p)
		}
	}
	return name
}

// readJSON reads a file that may be absent.
func readJSON(name string, into any) (found bool, err error) {
	if name == "" {
		return false, nil
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	return true, nil
}

func writeJSON(name string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}

// unnumbered is the words without those that begin with a digit: the names of the fleet's rows carry its size.
func unnumbered(text string) string {
	var out []string
	for word := range strings.FieldsSeq(text) {
		if word[0] < '0' || word[0] > '9' {
			out = append(out, word)
		}
	}
	return strings.Join(out, " ")
}
