package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// daemon, client and demo are the programs that the tests run, built from this tree.
var daemon, client, demo string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "conjunct")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	daemon, client, demo = filepath.Join(dir, "conjunctd"), filepath.Join(dir, "conjunct"), filepath.Join(dir, "demo")
	build := exec.Command("go", "build", "-o", dir, "conjunct/cmd/conjunctd", "conjunct/cmd/conjunct", "conjunct/integration/demo")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the programs:", err)
		return 1
	}
	return m.Run()
}
