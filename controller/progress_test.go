package controller

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProgress(t *testing.T) {
	var p progress
	require.Zero(t, p.applied(5), "nothing was ever confirmed")
	p.touch(0, 5)
	require.True(t, p.behind(5))
	require.False(t, p.behind(4))
	p.take(5)
	require.True(t, p.behind(5), "sent is not applied")
	p.confirm()
	require.False(t, p.behind(5))
	require.EqualValues(t, 5, p.applied(5))
	require.EqualValues(t, 9, p.applied(9), "what does not concern the host counts as confirmed")

	p.touch(9, 10)
	require.EqualValues(t, 9, p.applied(10))
	require.False(t, p.behind(9))
	p.take(10)
	p.touch(10, 11) // while the bundle is under way
	p.confirm()
	require.EqualValues(t, 10, p.applied(11))
	require.False(t, p.behind(10))
	require.True(t, p.behind(11))

	p.take(12)
	p.touch(12, 13)
	p.fail()
	require.True(t, p.behind(11), "what was taken may not be there")
	require.EqualValues(t, 10, p.applied(13))
	p.take(13)
	p.confirm()
	require.False(t, p.behind(13))
	require.EqualValues(t, 13, p.applied(13))
	require.EqualValues(t, 13, p.desired)
}

// However revisions, flushes and failures alternate, the applied revision never goes back while nothing fails.
func TestProgress_AppliedDoesNotGoBack(t *testing.T) {
	var p progress
	now, last := int64(0), int64(0)
	for i := range 10_000 {
		switch x := (i * 7919) % 11; {
		case x < 4:
			now++
			p.touch(now-1, now)
		case x < 6:
			now++
		case x < 8:
			p.take(now)
		default:
			p.confirm()
		}
		applied := p.applied(now)
		require.GreaterOrEqual(t, applied, last)
		require.LessOrEqual(t, applied, now)
		if oldest := p.oldest(); oldest != 0 {
			require.Less(t, applied, oldest)
		}
		last = applied
	}
}
