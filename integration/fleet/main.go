package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
		defer stop()
		err = measure(ctx, o, os.Stdout)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

// measure does what the options say and writes the report.
func measure(ctx context.Context, o options, out io.Writer) error {
	if o.curve {
		c, err := curve(ctx, o, out)
		if err != nil {
			return err
		}
		return write(o.report, c)
	}
	r, end, err := install(ctx, o, out)
	if err != nil {
		return err
	}
	defer end()
	does := map[string]func(context.Context) error{
		"join": r.joins, "rule": r.rules, "steady": r.steady, "trouble": r.troubles, restarted: r.restart,
	}
	for _, name := range o.stages {
		if err := r.stage(ctx, name, does[name]); err != nil {
			return err
		}
		r.conclude()
		if name != restarted { // which forgets what was counted
			if err := r.histograms(ctx); err != nil {
				return err
			}
		}
	}
	if err := write(o.report, r.report); err != nil {
		return err
	}
	if n := len(r.report.Failures); n > 0 {
		return fmt.Errorf("%d things are not as they have to be", n)
	}
	return nil
}

func write(file string, report any) error {
	if file == "" {
		return nil
	}
	b, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
