package flows

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCompile_NoTwoFlowsShareAKey(t *testing.T) {
	w, v, ofports := tiers()
	seen := map[flowKey]bool{}
	for _, f := range Compile(w.Snapshot, v, ofports, []uint16{9}) {
		require.False(t, seen[keyOf(&f)], "%s", f.String())
		seen[keyOf(&f)] = true
	}
	require.NotEmpty(t, seen)
}
