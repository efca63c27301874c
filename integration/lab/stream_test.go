package lab_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
)

// Ample for what happens within milliseconds on an idle machine.
const patience = 20 * time.Second

// quiet is long enough to be no pause of a stream: many ticks, and twice TCP's longest pause.
const quiet = 2 * time.Second

// Both directions of a stream are seen to run, to stop while a flow drops them, and to go on.
func TestStreams(t *testing.T) {
	for _, family := range []struct {
		name string
		of   func(*lab.Host) netip.Addr
	}{{"ip", (*lab.Host).Addr4}, {"ipv6", (*lab.Host).Addr6}} {
		t.Run("tcp over "+family.name, func(t *testing.T) {
			t.Parallel()
			w := newTwoHosts(t)
			s := w.a.StreamTCP(w.b.Host, netip.AddrPortFrom(family.of(w.b.Host), 80))
			require.True(t, s.Up.GoesOn(patience))
			require.True(t, s.Down.GoesOn(patience))

			w.hv2.ReplaceFlows(normal, "priority=1,"+family.name+",actions=drop")
			_, stopped := s.Up.Stops(quiet, patience)
			require.True(t, stopped)
			_, stopped = s.Down.Stops(quiet, patience)
			require.True(t, stopped)

			w.hv2.ReplaceFlows(normal)
			require.True(t, s.Up.GoesOn(patience))
			require.True(t, s.Down.GoesOn(patience))
		})
		t.Run("udp over "+family.name, func(t *testing.T) {
			t.Parallel()
			w := newTwoHosts(t)
			s := w.a.StreamUDP(w.b.Host, netip.AddrPortFrom(family.of(w.b.Host), 53))
			require.True(t, s.Down.Reaches(50, patience))
			require.Equal(t, 1, s.Up.Total(), "the client is silent")
			require.Zero(t, s.Lost(patience))

			w.hv2.ReplaceFlows(normal, "priority=1,"+family.name+",actions=drop")
			last, stopped := s.Down.Stops(quiet, patience)
			require.True(t, stopped)
			require.Equal(t, last, s.Down.Last())
			require.NotZero(t, s.Lost(0))

			w.hv2.ReplaceFlows(normal)
			require.True(t, s.Down.GoesOn(patience))
			s.Close()
			require.NotZero(t, s.Lost(time.Second), "what was dropped stays lost")
		})
	}
}
