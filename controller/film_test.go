package controller

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
)

// film has every table that a switch has held, one after the other: a picture for each step that packets see whole.
type film struct {
	mu       sync.Mutex
	now      map[openflow.FlowKey]openflow.Flow
	pictures []string
	strange  []string // flow mods that the controller does not send
}

// carried is what the switch tells of each step.
func (f *film) carried(mods []openflow.FlowMod) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := maps.Clone(f.now)
	if now == nil {
		now = make(map[openflow.FlowKey]openflow.Flow)
	}
	for _, m := range mods {
		switch m.Command {
		case openflow.FlowAdd:
			now[m.Flow.Key()] = m.Flow
		case openflow.FlowDeleteStrict:
			delete(now, m.Flow.Key())
		default:
			f.strange = append(f.strange, m.String())
		}
	}
	f.now = now
	f.pictures = append(f.pictures, picture(slices.Collect(maps.Values(now))))
}

func picture(list []openflow.Flow) string { return strings.Join(flowTexts(list), "\n") }

// cut returns the pictures so far and begins anew.
func (f *film) cut(t testing.TB) []string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	require.Empty(t, f.strange)
	out := f.pictures
	f.pictures = nil
	return out
}

// requireHistory holds the pictures to be among the states, in their order: whatever packets met was wanted at some time, and nothing
// comes back. Pictures of one state may be many, and states may be left out, but for the last.
func requireHistory(t testing.TB, pictures, states []string, what string) {
	t.Helper()
	at := 0
	for i, p := range pictures {
		n := slices.Index(states[at:], p)
		if n < 0 {
			require.Equal(t, states[len(states)-1], p, "%s: table %d of %d was never wanted (or comes back); state %d of %d was the last that was seen", what, i+1, len(pictures), at+1, len(states))
		}
		at += n
	}
	if len(pictures) > 0 {
		require.Equal(t, states[len(states)-1], pictures[len(pictures)-1], "%s: the end", what)
	}
}
