package api_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

func TestTheFirstStartWritesAnAdminToken(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.Tokens().Delete(t.Context(), idOfSecret(w.secret)))
	dir := t.TempDir()
	path, err := api.EnsureAdminToken(t.Context(), w.store, dir)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "admin.token"), path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = w.as(strings.TrimSpace(string(b))).Projects().List(t.Context())
	require.NoError(t, err)

	// Later starts leave it.
	again, err := api.EnsureAdminToken(t.Context(), w.store, dir)
	require.NoError(t, err)
	require.Empty(t, again)
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, b, kept)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)

	_, err = api.EnsureAdminToken(t.Context(), newWorld(t).store, filepath.Join(dir, "none"))
	require.NoError(t, err, "that world has its token")
}

func TestATokenThatCannotBeWrittenDownIsNotMade(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.Tokens().Delete(t.Context(), idOfSecret(w.secret)))
	_, err := api.EnsureAdminToken(t.Context(), w.store, filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	w.store.View(func(s *policy.Snapshot) { require.Zero(t, s.Len(policy.KindToken)) })
}

func idOfSecret(secret string) string {
	id, _ := policy.TokenIDOf(secret)
	return id
}
