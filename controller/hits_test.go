package controller

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/openflow/ofeval"
	"conjunct/openflow/oftest"
	"conjunct/policy"
)

// knock sends one segment from the fabric to a VM and returns where it went.
func (h *hypervisor) knock(n int, port uint16) []openflow.Port {
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 40000)
	to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), port)
	j := h.sw.Inject(40, ofeval.TCP(from, to, ofeval.SYN).With(
		openflow.MAC(openflow.EthSrc, [6]byte{2, 0, 0, 0, 0, 1}), openflow.MAC(openflow.EthDst, [6]byte{0xfa, 0x16, 0x3e, 0, 0, byte(n)}),
		openflow.Exact(openflow.VLANVID, 7|openflow.VLANPresent)))
	return j.Ports()
}

// A rule's hits are what its flows counted on all hosts, and never go back: not when a switch restarts, not when it is
// adopted again, not when the flow goes and comes back.
func TestHits_NeverGoBack(t *testing.T) {
	w := newSmall(t, Options{HitsInterval: 10 * time.Millisecond})
	other := newHypervisor(t, "hv2", w.c)
	awaitState(t, w.c, "hv2", policy.HostReady)
	put(t, w.Store, vm("vm3", 3, "web")...)
	other.plug("vm3", 3)
	for _, hv := range []*hypervisor{w.hv, other} {
		hv.sw.AddPorts(40)
		require.NoError(t, hv.db.AddUplink("br-int", "eth1", 40))
		eventually(t, func() bool { return strings.Contains(hv.sw.Dump(), "in_port=40") })
	}
	awaitPort(t, w.c, "vm3", policy.PortActive)
	number := w.ruleNumber("web-ssh")
	hits := func(n uint64) {
		t.Helper()
		eventually(t, func() bool { return w.c.Hits(number).Packets >= n })
		time.Sleep(50 * time.Millisecond) // several readings
		require.Equal(t, n, w.c.Hits(number).Packets)
	}
	hits(0)
	require.Equal(t, []openflow.Port{1}, w.hv.knock(1, 22))
	require.Empty(t, w.hv.knock(1, 23))
	require.Equal(t, []openflow.Port{2}, w.hv.knock(2, 22))
	require.Equal(t, []openflow.Port{3}, other.knock(3, 22))
	hits(3)

	w.hv.sw.Disconnect()
	awaitState(t, w.c, "hv1", policy.HostReady)
	hits(3)
	w.hv.sw.Restart()
	eventually(t, func() bool { return len(w.hv.sw.Flows()) > 0 })
	w.hv.requireInSync(w.c)
	hits(3)
	require.Equal(t, []openflow.Port{1}, w.hv.knock(1, 22))
	hits(4)

	other.unplug(3)
	eventually(t, func() bool { return !strings.Contains(other.sw.Dump(), fmt.Sprintf("conj_id=%d actions", number)) })
	hits(4)
	other.plug("vm3", 3)
	awaitPort(t, w.c, "vm3", policy.PortActive)
	hits(4)
	require.Equal(t, []openflow.Port{3}, other.knock(3, 22))
	hits(5)
}

// ruleNumber is the number that the store gave a rule.
func (w *small) ruleNumber(id policy.RuleID) (n policy.Number) {
	w.View(func(s *policy.Snapshot) {
		r, _ := policy.Find[*policy.Rule](s, id)
		n = r.Number
	})
	return n
}

// Switches that don't answer keep nobody else's counters from being read.
func TestHits_OfOthersThanThoseThatDoNotAnswer(t *testing.T) {
	w := newSmall(t, Options{HitsInterval: time.Hour}) // Nothing is read before somebody asks.
	w.hv.sw.AddPorts(40)
	require.NoError(t, w.hv.db.AddUplink("br-int", "eth1", 40))
	eventually(t, func() bool { return strings.Contains(w.hv.sw.Dump(), "in_port=40") })
	var deaf []policy.HostID
	for i := range maxReadings {
		id := policy.HostID(fmt.Sprintf("deaf%d", i))
		hv := newHypervisor(t, id, w.c)
		deaf = append(deaf, id)
		awaitState(t, w.c, id, policy.HostReady)
		hv.sw.SetFaults(oftest.Faults{Deaf: true})
		w.c.model.mu.RLock()
		poke(w.c.model.hosts[id].reread)
		w.c.model.mu.RUnlock()
	}
	time.Sleep(100 * time.Millisecond) // They are about to be read, before the other.
	require.Equal(t, []openflow.Port{1}, w.hv.knock(1, 22))
	number := w.ruleNumber("web-ssh")
	eventually(t, func() bool { return w.c.Hits(number).Packets == 1 })
	for _, id := range deaf {
		st, _ := w.c.Host(id)
		require.Equal(t, policy.HostReady, st.State, "it was not given up meanwhile")
	}
}
