// Command docs writes the documents that are generated: docs/pipeline.md from the layout and from flows that are really
// compiled, docs/roles.md from the tables of rights. It runs at the root of the repository.
//
//	docs           write them
//	docs -check    fail when they are not as they would be written
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
)

func main() {
	check := flag.Bool("check", false, "compare instead of writing")
	flag.Parse()
	if err := run(".", *check); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

// run writes or compares the documents below root.
func run(root string, check bool) error {
	for name, generate := range map[string]func(root string) ([]byte, error){
		"docs/pipeline.md": pipeline,
		"docs/roles.md":    roles,
	} {
		b, err := generate(root)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		path := root + "/" + name
		if !check {
			if err := os.WriteFile(path, b, 0o644); err != nil {
				return err
			}
			continue
		}
		old, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Equal(old, b) {
			return fmt.Errorf("%s is not what the code says; run `make docs`", name)
		}
	}
	return nil
}
