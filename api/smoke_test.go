package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
)

func TestSmoke(t *testing.T) {
	w := newWorld(t)
	p, err := w.client.Projects().Create(t.Context(), &api.Project{Name: "acme"})
	require.NoError(t, err)
	t.Log(p)
	all, err := w.client.Projects().List(t.Context())
	require.NoError(t, err)
	t.Log(all)
	gs, err := w.client.Groups().List(t.Context())
	require.NoError(t, err)
	t.Log(gs)
}
