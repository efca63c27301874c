package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"sigs.k8s.io/yaml"
)

// format is how a verb answers.
type format string

const (
	table   format = "table" // for people
	asJSON  format = "json"  // everything that the API says
	asYAML  format = "yaml"  // manifests that can be applied, where the objects have any
	asNames format = "name"  // KIND/NAME, one a line, as other verbs take it
)

var formats = []format{table, asJSON, asYAML, asNames}

func formatWords() (out []string) {
	for _, f := range formats {
		out = append(out, string(f))
	}
	return out
}

// The methods of a flag's value.

func (f *format) String() string { return string(*f) }
func (f *format) Type() string   { return "FORMAT" }

func (f *format) Set(s string) error {
	if !slices.Contains(formats, format(s)) {
		return fmt.Errorf("use one of %s", strings.Join(formatWords(), ", "))
	}
	*f = format(s)
	return nil
}

// data prints a value as JSON or YAML, with the API's own fields. It reports false when the output is for people.
func (s *session) data(v any) (bool, error) {
	switch s.output {
	case asJSON:
		b, err := json.MarshalIndent(v, "", "  ")
		if err == nil {
			s.printf("%s\n", b)
		}
		return true, err
	case asYAML:
		b, err := yaml.Marshal(v)
		if err == nil {
			s.printf("%s", b)
		}
		return true, err
	default:
		return false, nil
	}
}

// columns prints rows below a header, each column as wide as it needs.
func (s *session) columns(header []string, rows [][]string) error {
	w := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(header, "\t"))
	for _, row := range rows {
		line := slices.Clone(row)
		for i, cell := range line {
			if cell == "" {
				line[i] = "-"
			}
		}
		fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	return w.Flush()
}

// written is an output that remembers whether it could be written, so that verbs need not ask at each line.
type written struct {
	to     io.Writer
	failed error // the first time
}

func (w *written) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	if err != nil && w.failed == nil {
		w.failed = err
	}
	return n, err
}
