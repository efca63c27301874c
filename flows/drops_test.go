package flows

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
)

// Every reason is that of some flow, each in one of the tables that are named, and of nothing that lets a packet go on.
func TestDropReason(t *testing.T) {
	found := make(map[string]bool)
	for _, f := range pipeline() {
		reason, ok := DropReason(&f)
		if !ok {
			continue
		}
		found[reason] = true
		require.Contains(t, DropReasons, reason)
		require.Contains(t, DropTables, f.Table)
		require.Empty(t, f.Actions)
		require.Zero(t, f.Goto)
	}
	for _, reason := range DropReasons {
		require.True(t, found[reason], reason)
	}
	require.Len(t, found, len(DropReasons))
	i := slices.IndexFunc(pipeline(), func(f openflow.Flow) bool { return f.Goto != 0 })
	_, ok := DropReason(&pipeline()[i])
	require.False(t, ok)
}
