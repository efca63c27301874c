package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is stamped by the Makefile.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	os.Exit(run(ctx, &session{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}, os.Args[1:]))
}

// run is the program without its process: it returns the exit status.
func run(ctx context.Context, s *session, args []string) int {
	out := &written{to: s.stdout}
	s.stdout = out
	root := s.command()
	entered := false
	wrap(root, &entered)
	root.SetArgs(args)
	root.SetIn(s.stdin)
	root.SetOut(s.stdout)
	root.SetErr(s.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !entered { // Words that no verb takes are cobra's to find.
		err = &usageError{err}
	}
	if err == nil && out.failed != nil { // Half a backup must not look like a whole one.
		err = fmt.Errorf("write the output: %w", out.failed)
	}
	return s.end(cmd, err)
}

// wrap notes when a verb begins its work, so that what failed before is known to be a mistake of usage.
func wrap(cmd *cobra.Command, entered *bool) {
	if verb := cmd.RunE; verb != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*entered = true
			return verb(cmd, args)
		}
	}
	for _, c := range cmd.Commands() {
		wrap(c, entered)
	}
}
