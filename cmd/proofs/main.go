package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const (
	tablePath    = "docs/requirements.tsv"
	documentPath = "docs/requirements.md"
)

func main() {
	write := flag.Bool("write", false, "write "+documentPath+" instead of comparing")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *write); err != nil {
		fmt.Fprintln(os.Stderr, "proofs:", err)
		os.Exit(1)
	}
}

// run works in the root of the repository.
func run(in io.Reader, out io.Writer, write bool) error {
	tests, err := follow(in, out)
	if err != nil {
		return err
	}
	if tests.failed > 0 {
		return fmt.Errorf("%d packages failed; the requirements were not judged", tests.failed)
	}
	text, err := os.ReadFile(tablePath)
	if err != nil {
		return err
	}
	table, err := parseTable(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", tablePath, err)
	}
	old, err := os.ReadFile(documentPath)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listed := parseDocument(string(old))
	found := tests.proofs(listed)
	wrong := unexplained(table, found)
	if write {
		wrong = append(wrong, os.WriteFile(documentPath, []byte(document(table, found)), 0o644))
	} else {
		wrong = append(wrong, differences(listed, found)...)
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	fmt.Fprintf(out, "requirements: %d of %d proven by tests, the rest has a reason\n", len(found), len(table))
	return nil
}
