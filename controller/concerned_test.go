package controller

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConcerned_TellsWhomABatchConcerns(t *testing.T) {
	var c concerned
	one, two := &host{id: "one"}, &host{id: "two"}
	c.note(10, touches{one: {}})
	c.note(11, touches{})
	c.note(15, touches{one: {}, two: {}})
	for _, row := range []struct {
		revision int64
		hosts    []*host
		known    bool
	}{
		{7, []*host{one}, true}, {10, []*host{one}, true}, {11, []*host{}, true}, {12, []*host{one, two}, true},
		{15, []*host{one, two}, true}, {16, nil, false}, {0, nil, false},
	} {
		hosts, known := c.by(row.revision)
		require.Equal(t, row.known, known, row.revision)
		require.ElementsMatch(t, row.hosts, hosts, row.revision)
	}
}

func TestConcerned_ForgetsTheOldest(t *testing.T) {
	var c concerned
	all := make(touches)
	for range 1000 {
		all[&host{}] = struct{}{}
	}
	const batches = 4 * rememberedBatches
	for n := range int64(batches) {
		c.note(2*n+2, all)
		require.LessOrEqual(t, c.hosts, rememberedHosts)
	}
	_, known := c.by(c.since)
	require.False(t, known)
	hosts, known := c.by(c.since + 1)
	require.True(t, known)
	require.Len(t, hosts, 1000)
	for n := range int64(batches) {
		c.note(2*batches+n+1, nil)
		require.LessOrEqual(t, len(c.batches), rememberedBatches)
	}
	require.Zero(t, c.hosts)
}
