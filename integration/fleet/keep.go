package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// kept is the file of a kept world that says which one it is.
const kept = "fleet.json"

// sizes are what a loaded world depends on.
func (r *run) sizes() ([]byte, error) {
	return json.Marshal([]int{r.Hosts, r.Ports, r.Groups, r.Addresses, r.Rules, r.Spread, r.Tenants, r.joiners()})
}

// recall copies the kept world to conjunctd's directory; loaded is false where none is kept yet.
func (r *run) recall(dir string) (loaded bool, err error) {
	if r.keep == "" {
		return false, nil
	}
	is, err := os.ReadFile(filepath.Join(r.keep, kept))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	want, err := r.sizes()
	if err != nil {
		return false, err
	}
	if string(is) != string(want) {
		return false, fmt.Errorf("-world %s: is of the sizes %s, asked for are %s; name another directory", r.keep, is, want)
	}
	return true, os.CopyFS(dir, os.DirFS(r.keep))
}

// remember keeps what conjunctd has in its directory, and starts it again.
func (r *run) remember(ctx context.Context, dir string) error {
	if r.keep == "" {
		return nil
	}
	if err := r.daemon.stop(); err != nil {
		return err
	}
	sizes, err := r.sizes()
	if err != nil {
		return err
	}
	if err := os.CopyFS(r.keep, os.DirFS(dir)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.keep, kept), sizes, 0o644); err != nil {
		return err
	}
	return r.daemon.start(ctx)
}
