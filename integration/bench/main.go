package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

type options struct {
	fleet, curve, docs string
	files              []string
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.fleet, "fleet", "", "report of integration/fleet; none when empty or absent")
	f.StringVar(&o.curve, "curve", "", "report of integration/fleet -curve; none when empty or absent")
	f.StringVar(&o.docs, "docs", "docs", "directory of the documents")
	if err := f.Parse(args); err != nil {
		return err
	}
	o.files = f.Args()
	results, err := measured(o, in)
	if err != nil {
		return err
	}
	results.When = time.Now().UTC().Truncate(time.Second)
	results.judge(targets)
	if err := results.print(out); err != nil {
		return err
	}
	return results.write(o.docs)
}

// measured reads everything that was measured.
func measured(o options, in io.Reader) (*Results, error) {
	r := &Results{Machine: map[string]string{}, Measured: map[string]Metrics{}}
	if len(o.files) == 0 {
		if err := r.readBenchmarks(in, "standard input"); err != nil {
			return nil, err
		}
	}
	for _, name := range o.files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		err = r.readBenchmarks(f, name)
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	if err := errors.Join(r.readFleet(o.fleet), r.readCurve(o.curve)); err != nil {
		return nil, err
	}
	if len(r.Measured) == 0 {
		return nil, errors.New("nothing was measured: no line is a benchmark's result")
	}
	return r, nil
}

// write writes the documents.
func (r *Results) write(docs string) error {
	dir := filepath.Join(docs, "performance")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(dir, "results.json"), r); err != nil {
		return err
	}
	if r.Curve != nil {
		if err := os.WriteFile(filepath.Join(dir, "cost-curves.svg"), r.Curve.svg(), 0o644); err != nil {
			return err
		}
	}
	return r.insert(filepath.Join(docs, "performance.md"))
}
