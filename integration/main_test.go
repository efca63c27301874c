package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// daemon and client are the conjunctd and the conjunct that the tests run, built from this tree.
var daemon, client string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "conjunct")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	daemon, client = filepath.Join(dir, "conjunctd"), filepath.Join(dir, "conjunct")
	build := exec.Command("go", "build", "-o", dir, "conjunct/cmd/conjunctd", "conjunct/cmd/conjunct")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the programs:", err)
		return 1
	}
	return m.Run()
}
