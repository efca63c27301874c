package controller

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/ofeval"
	"conjunct/openflow/oftest"
	"conjunct/policy"
)

// doorkeeper knocks at a VM after each step that packets see whole, from the fabric.
type doorkeeper struct {
	mu  sync.Mutex
	now map[openflow.FlowKey]openflow.Flow
	let map[uint16]bool // the TCP ports of the VM that were open at any step
}

func (d *doorkeeper) carried(mods []openflow.FlowMod) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now == nil {
		d.now = make(map[openflow.FlowKey]openflow.Flow)
	}
	for _, m := range mods {
		if m.Command == openflow.FlowAdd {
			d.now[m.Flow.Key()] = m.Flow
		} else {
			delete(d.now, m.Flow.Key())
		}
	}
	bridge := ofeval.NewBridge(maps.Values(d.now), 3, 40)
	for _, port := range []uint16{22, 80, 8080} {
		j := bridge.Inject(40, knocking(3, port))
		if j.Reached(3) {
			d.let[port] = true
		}
	}
}

// restarted forgets the flows, as the switch has.
func (d *doorkeeper) restarted() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = nil
}

// since returns which ports were open at any step since the last time.
func (d *doorkeeper) since() map[uint16]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.let
	d.let = map[uint16]bool{}
	return out
}

func knocking(n int, port uint16) ofeval.Packet {
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 40000)
	to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), port)
	return ofeval.TCP(from, to, ofeval.SYN).With(
		openflow.MAC(openflow.EthSrc, [6]byte{2, 0, 0, 0, 0, 1}), openflow.MAC(openflow.EthDst, [6]byte{0xfa, 0x16, 0x3e, 0, 0, byte(n)}),
		openflow.Exact(openflow.VLANVID, 7|openflow.VLANPresent))
}

// guarded is a host whose VM 3 has group web, which lets ssh in, and the ordered group list, which drops ssh from an IP set and lets in
// http.
func guarded(t *testing.T) (*small, *hypervisor, *doorkeeper) {
	w := newSmall(t, Options{DriftInterval: time.Hour})
	put(t, w.Store, append(vm("vm3", 3, "list", "web"),
		&policy.Group{Meta: policy.Meta{ID: "list"}, Name: "list", ProjectID: "p", Evaluation: policy.Ordered},
		&policy.IPSet{Meta: policy.Meta{ID: "bad"}, Name: "bad", ProjectID: "p", IPVersion: 4},
		&policy.Entry{Meta: policy.Meta{ID: "e"}, IPSetID: "bad", CIDR: entryCIDR("192.0.2.0/24")},
		at(rule("http", "list", 80, anywhere), 20, policy.Allow),
		at(rule("no-ssh", "list", 22, policy.Remote{IPSetID: "bad"}), 10, policy.Drop))...)
	keeper := &doorkeeper{let: map[uint16]bool{}}
	hv := newHypervisor(t, "hv2", w.c, keeper.carried)
	awaitState(t, w.c, "hv2", policy.HostReady)
	hv.sw.AddPorts(40)
	require.NoError(t, hv.db.AddUplink("br-int", "eth1", 40))
	return w, hv, keeper
}

func (w *small) compareHost(id policy.HostID) {
	w.c.model.mu.RLock()
	defer w.c.model.mu.RUnlock()
	poke(w.c.model.hosts[id].audit)
}

// A switch refuses a flow of what stands between ssh and the VM: the VM is cut off and says so, ssh does not pass at any
// step, and all is well as soon as the switch takes the flow.
func TestCutOff_WhatIsRefusedOpensNothing(t *testing.T) {
	is := func(table uint8) func(*openflow.FlowMod) bool {
		return func(m *openflow.FlowMod) bool { return m.Command == openflow.FlowAdd && m.Flow.Table == table }
	}
	ours := func(kind flows.CookieKind, more func(*openflow.FlowMod) bool) func(*openflow.FlowMod) bool {
		return func(m *openflow.FlowMod) bool {
			k, _, _ := flows.ParseCookie(m.Flow.Cookie)
			return k == kind && more(m)
		}
	}
	for name, c := range map[string]struct {
		refuse func(*openflow.FlowMod) bool
		names  string // who is in the host's problems
		why    string // in the port's
		whole  bool   // the bridge is cut off, not the port alone
	}{
		"the rule":       {ours(flows.CookieRule, is(flows.TableIngrOrder)), "no-ssh", "rule no-ssh of group list", false},
		"its components": {ours(flows.CookieComponent, is(flows.TableIngrOrder)), "no-ssh", "rule no-ssh of group list", false},
		"the whole group": {func(m *openflow.FlowMod) bool {
			return is(flows.TableIngrOrder)(m) && m.Flow.Priority <= flows.PriorityFirstRun
		}, "no-ssh", "rule no-ssh of group list", false},
		"the group's turn": {is(flows.TableIngrTurns), "ingress turns", "a flow that its groups stand on", false},
		"the IP set":       {is(flows.TableIngrSet), "bad", "a flow that its groups stand on", false},
		"the pipeline":     {func(m *openflow.FlowMod) bool { return is(flows.TableRecvJudge)(m) && m.Flow.Priority == 90 }, "receiver judge", "a flow that its groups stand on", true},
		"anti-spoofing":    {func(m *openflow.FlowMod) bool { return is(flows.TableAntiSpoof)(m) && m.Flow.Priority == 120 }, "no-dhcp-server", "a flow that its groups stand on", true},
	} {
		t.Run(name, func(t *testing.T) {
			w, hv, keeper := guarded(t)
			hv.sw.SetFaults(oftest.Faults{Refuse: c.refuse})
			if c.whole { // Its flows are there already.
				hv.cutOff(true)
				hv.sw.Restart()
				keeper.restarted()
				hv.cutOff(false)
				awaitState(t, w.c, "hv2", policy.HostDegraded)
			}
			hv.plug("vm3", 3)
			awaitPort(t, w.c, "vm3", policy.PortFailed)
			awaitState(t, w.c, "hv2", policy.HostDegraded)
			// Between the refusal and the cut the port is cut off already, and does not know of what.
			eventually(t, func() bool { return strings.Contains(w.c.Port("vm3").Problem, c.why) })
			require.Contains(t, w.c.Port("vm3").Problem, "cut off")
			h, _ := w.c.Host("hv2")
			require.Contains(t, strings.Join(h.Problems, "\n"), c.names)
			require.Contains(t, strings.Join(h.Problems, "\n"), "1 port is cut off")
			require.Empty(t, keeper.since(), "nothing passes")

			// Tried again in vain, it stays as it is.
			w.compareHost("hv2")
			put(t, w.Store, rule("more", "list", 8080, anywhere))
			eventually(t, func() bool { return w.c.Port("vm3").State == policy.PortFailed })
			require.Empty(t, keeper.since())
			erase(t, w.Store, policy.KindRule, "more")

			hv.sw.SetFaults(oftest.Faults{})
			w.compareHost("hv2")
			awaitPort(t, w.c, "vm3", policy.PortActive)
			hv.requireInSync(w.c)
			require.Equal(t, map[uint16]bool{80: true}, keeper.since(), "ssh passed at no step")
			h, _ = w.c.Host("hv2")
			require.Empty(t, h.Problems)
		})
	}
}

// What a refused rule would drop does not pass from the moment on that the rule counts as applied; the port comes back when the rule
// goes, without anybody looking.
func TestCutOff_EndsWithTheRule(t *testing.T) {
	w, hv, keeper := guarded(t)
	hv.plug("vm3", 3)
	awaitPort(t, w.c, "vm3", policy.PortActive)
	require.Equal(t, map[uint16]bool{80: true}, keeper.since())
	hv.sw.SetFaults(oftest.Faults{Refuse: func(m *openflow.FlowMod) bool {
		return m.Command == openflow.FlowAdd && m.Flow.Table == flows.TableIngrOrder && strings.Contains(m.Flow.String(), "set_field:0x4/0x4->reg4")
	}})
	awaitApplied(t, w.c, put(t, w.Store, at(rule("no-http", "list", 80, anywhere), 15, policy.Drop)))
	awaitPort(t, w.c, "vm3", policy.PortFailed)
	require.Empty(t, hv.knock(3, 80))
	require.Empty(t, hv.knock(3, 22))
	require.Equal(t, policy.PortActive, w.c.Port("vm1").State, "others have nothing to do with it")
	keeper.since()
	awaitApplied(t, w.c, erase(t, w.Store, policy.KindRule, "no-http"))
	awaitPort(t, w.c, "vm3", policy.PortActive)
	eventually(t, func() bool { return len(hv.knock(3, 80)) == 1 })
	hv.requireInSync(w.c)
	require.NotContains(t, keeper.since(), uint16(22))
}

// A flow that only adds permission is gone without: less passes, and nobody is cut off.
func TestCutOff_NotForWhatOnlyAllows(t *testing.T) {
	w, hv, keeper := guarded(t)
	hv.plug("vm3", 3)
	awaitPort(t, w.c, "vm3", policy.PortActive)
	hv.sw.SetFaults(oftest.Faults{Refuse: func(m *openflow.FlowMod) bool {
		return m.Command == openflow.FlowAdd && m.Flow.Table == flows.TableIngrRules
	}})
	awaitApplied(t, w.c, put(t, w.Store, rule("more", "web", 8080, anywhere)))
	awaitState(t, w.c, "hv2", policy.HostDegraded)
	require.Equal(t, policy.PortActive, w.c.Port("vm3").State)
	require.Len(t, hv.knock(3, 80), 1)
	require.Empty(t, hv.knock(3, 8080))
	require.NotContains(t, keeper.since(), uint16(22))
}

// A switch that takes hardly anything any more still loses what is no longer allowed: after so many refusals nothing is added, what is to go
// goes, and ports without what drops are cut off.
func TestCutOff_WhatGoesDoesNotWaitForWhatIsRefused(t *testing.T) {
	w, hv, keeper := guarded(t)
	hv.plug("vm3", 3)
	put(t, w.Store, rule("more", "web", 8080, anywhere))
	put(t, w.Store, vm("vm4", 4, "web")...)
	hv.plug("vm4", 4)
	awaitPort(t, w.c, "vm3", policy.PortActive)
	awaitPort(t, w.c, "vm4", policy.PortActive)
	eventually(t, func() bool { return len(hv.knock(4, 8080)) == 1 })
	hv.sw.SetFaults(oftest.Faults{Refuse: func(m *openflow.FlowMod) bool {
		return m.Command == openflow.FlowAdd && (m.Flow.Table == flows.TableIngrSet || m.Flow.Table == flows.TableIngrRules)
	}})
	// The group's rule for 8080 becomes one for 8081, and its IP set gets hundreds of entries, in one transaction.
	change := []policy.Object{rule("more", "web", 8081, anywhere)}
	for i := range maxRefusals + 50 {
		change = append(change, &policy.Entry{Meta: policy.Meta{ID: fmt.Sprintf("e%d", i)}, IPSetID: "bad", CIDR: entryCIDR(fmt.Sprintf("198.51.%d.%d/32", i/256, i%256))})
	}
	awaitApplied(t, w.c, put(t, w.Store, change...))
	awaitPort(t, w.c, "vm3", policy.PortFailed)
	require.Equal(t, policy.PortActive, w.c.Port("vm4").State, "it has no group that drops")
	for _, port := range []uint16{22, 80, 8080} {
		require.Empty(t, hv.knock(3, port))
	}
	require.Empty(t, hv.knock(4, 8080), "it is not allowed any more")
	require.Empty(t, hv.knock(4, 8081), "the switch has not taken it")
	h, _ := w.c.Host("hv2")
	require.LessOrEqual(t, len(h.Problems), maxToldRefusals+2)
	require.Contains(t, strings.Join(h.Problems, "\n"), "flows more")
	require.NotContains(t, keeper.since(), uint16(22))

	hv.sw.SetFaults(oftest.Faults{})
	w.compareHost("hv2")
	awaitPort(t, w.c, "vm3", policy.PortActive)
	eventually(t, func() bool { return len(hv.knock(4, 8081)) == 1 })
	require.Empty(t, hv.knock(4, 8080))
	require.NotContains(t, keeper.since(), uint16(22))
	hv.requireInSync(w.c)
}

// A flow that takes permission away where an ordered group is refused where there is none: nothing is cut off, and the bridge is not
// compared for it.
func TestCutOff_NotWhereItMakesNoDifference(t *testing.T) {
	registry := prometheus.NewRegistry()
	w := newSmall(t, Options{Registry: registry, DriftInterval: time.Hour})
	put(t, w.Store, &policy.Group{Meta: policy.Meta{ID: "friends"}, Name: "friends", ProjectID: "p"},
		rule("from-friends", "web", 3306, policy.Remote{GroupID: "friends"}))
	awaitApplied(t, w.c, put(t, w.Store, vm("friend", 7, "friends")...)) // Their class is known from here on.
	w.hv.sw.SetFaults(oftest.Faults{Refuse: func(m *openflow.FlowMod) bool {
		return m.Command == openflow.FlowAdd && m.Flow.Table == flows.TableIngrGroup
	}})
	for n := range 3 {
		awaitApplied(t, w.c, put(t, w.Store, vm(fmt.Sprintf("friend%d", n), 8+n, "friends")...))
	}
	awaitState(t, w.c, "hv1", policy.HostDegraded)
	require.Equal(t, policy.PortActive, w.c.Port("vm1").State)
	require.Equal(t, 3.0, gauge(t, registry, "conjunct_bundle_errors_total"), "each is tried once")
	w.hv.sw.SetFaults(oftest.Faults{})
	w.compareHost("hv1")
	awaitState(t, w.c, "hv1", policy.HostReady)
	w.hv.requireInSync(w.c)
}
