package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDocumentsAreFresh(t *testing.T) {
	require.NoError(t, run("../..", true))
}
