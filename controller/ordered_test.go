package controller

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/policy"
)

func entryCIDR(s string) policy.CIDR { return policy.CIDR(netip.MustParsePrefix(s)) }

// uplink gives the host a port to the fabric, from which knock comes.
func (w *small) uplink(t *testing.T) {
	t.Helper()
	w.hv.sw.AddPorts(40)
	require.NoError(t, w.hv.db.AddUplink("br-int", "eth1", 40))
	eventually(t, func() bool { return strings.Contains(w.hv.sw.Dump(), "in_port=40") })
}

// at gives a rule of an ordered group its position and its action.
func at(r *policy.Rule, position int, action policy.Action) *policy.Rule {
	r.Position, r.Action = &position, action
	return r
}

// hundred is a host with one VM that has an ordered group of 100 rules, for ports 1001 to 1100 at positions 10, 20, …; actions
// says what each does.
func hundred(t *testing.T, action func(i int) policy.Action) *small {
	w := newSmall(t, Options{})
	put(t, w.Store, append(vm("vm3", 3, "list"), &policy.Group{Meta: policy.Meta{ID: "list"}, Name: "list", ProjectID: "p", Evaluation: policy.Ordered})...)
	var rules []policy.Object
	for i := range 100 {
		rules = append(rules, at(rule(fmt.Sprintf("r%d", i), "list", 1001+i, anywhere), (i+1)*10, action(i)))
	}
	written := put(t, w.Store, rules...)
	w.hv.plug("vm3", 3)
	awaitPort(t, w.c, "vm3", policy.PortActive)
	awaitApplied(t, w.c, written)
	w.hv.requireInSync(w.c)
	return w
}

// cost is how many flow mods a change takes.
func (w *small) cost(t *testing.T, objects ...policy.Object) int {
	t.Helper()
	before := w.hv.mods()
	awaitApplied(t, w.c, put(t, w.Store, objects...))
	w.hv.requireInSync(w.c)
	return w.hv.mods() - before
}

// What a change in a list of a hundred rules costs on the switch: rules in a row with the same action share a priority, that
// of the first one's position. So only what splits such a run, or joins two, reaches further than the rule itself.
func TestA005_WhatChangesInALongListCost(t *testing.T) {
	allow := func(int) policy.Action { return policy.Allow }
	closed := func(i int) policy.Action {
		if i == 99 {
			return policy.Drop
		}
		return policy.Allow
	}
	alternating := func(i int) policy.Action {
		if i%2 == 1 {
			return policy.Drop
		}
		return policy.Allow
	}
	for name, c := range map[string]struct {
		action func(int) policy.Action
		change *policy.Rule
		most   int
	}{
		"allow among allows":        {allow, at(rule("x", "list", 2000, anywhere), 505, policy.Allow), 6},
		"move among allows":         {allow, at(rule("r80", "list", 1081, anywhere), 505, policy.Allow), 0},
		"drop at the end":           {allow, at(rule("x", "list", 2000, anywhere), 1010, policy.Drop), 4},
		"allow before a final drop": {closed, at(rule("x", "list", 2000, anywhere), 995, policy.Allow), 6},
		"drop before all":           {closed, at(rule("x", "list", 2000, anywhere), 5, policy.Drop), 4},
		"drop among allows":         {allow, at(rule("x", "list", 2000, anywhere), 505, policy.Drop), 310},
		"drop among alternating":    {alternating, at(rule("x", "list", 2000, anywhere), 505, policy.Drop), 4},
		"move among alternating":    {alternating, at(rule("r80", "list", 1081, anywhere), 105, policy.Allow), 30},
	} {
		t.Run(name, func(t *testing.T) {
			w := hundred(t, c.action)
			n := w.cost(t, c.change)
			t.Logf("%s: %d flow mods", name, n)
			require.LessOrEqual(t, n, c.most)
		})
	}
}

// A drop that comes before an allow takes effect at once, and so does its going away; also from a group, an IP set, and for one
// of the VM's addresses alone.
func TestA005_A007_A044_ADropBeforeAnAllow(t *testing.T) {
	for name, remote := range map[string]policy.Remote{
		"anywhere": anywhere,
		"CIDR":     {CIDRs: []policy.CIDR{entryCIDR("192.0.2.0/24")}},
		"IP set":   {IPSetID: "bad"},
		"subnet":   {SubnetID: "outside"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSmall(t, Options{})
			put(t, w.Store, append(vm("vm3", 3, "list"),
				&policy.Subnet{Meta: policy.Meta{ID: "outside"}, Name: "outside", VPCID: "v", VLAN: 8, CIDRs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
				&policy.IPSet{Meta: policy.Meta{ID: "bad"}, Name: "bad", ProjectID: "p", IPVersion: 4},
				&policy.Entry{Meta: policy.Meta{ID: "e"}, IPSetID: "bad", CIDR: entryCIDR("192.0.2.1/32")},
				&policy.Group{Meta: policy.Meta{ID: "list"}, Name: "list", ProjectID: "p", Evaluation: policy.Ordered},
				at(rule("ssh", "list", 22, anywhere), 10, policy.Allow))...)
			w.uplink(t)
			w.hv.plug("vm3", 3)
			awaitPort(t, w.c, "vm3", policy.PortActive)
			require.Equal(t, []openflow.Port{3}, w.hv.knock(3, 22))
			held := w.hv.sw.Dump()

			drop := at(rule("drop", "list", 22, remote), 5, policy.Drop)
			awaitApplied(t, w.c, put(t, w.Store, drop))
			require.Empty(t, w.hv.knock(3, 22))
			awaitApplied(t, w.c, put(t, w.Store, at(drop.Clone().(*policy.Rule), 15, policy.Drop)))
			require.Equal(t, []openflow.Port{3}, w.hv.knock(3, 22), "behind the allow it decides nothing")
			awaitApplied(t, w.c, put(t, w.Store, at(drop.Clone().(*policy.Rule), 5, policy.Drop)))
			require.Empty(t, w.hv.knock(3, 22))
			awaitApplied(t, w.c, erase(t, w.Store, policy.KindRule, "drop"))
			require.Equal(t, held, w.hv.sw.Dump(), "applied and reverted")
		})
	}
}

// Ordered groups are asked in attachment order, each to its end, and union groups after them; a change of the order counts at
// once, and a group that becomes ordered or a union again too.
func TestA005_A006_GroupsInAttachmentOrder(t *testing.T) {
	w := newSmall(t, Options{})
	group := func(id string, e policy.Evaluation) *policy.Group {
		return &policy.Group{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p", Evaluation: e}
	}
	local := entryCIDR("10.0.0.3/32")
	ownAddress := at(rule("a-local", "a", 24, anywhere), 10, policy.Drop)
	ownAddress.LocalCIDR = &local
	put(t, w.Store, append(vm("vm3", 3, "u", "a", "b"), group("a", policy.Ordered), group("b", policy.Ordered), group("u", policy.Union),
		at(rule("a-drop", "a", 22, anywhere), 5, policy.Drop), ownAddress,
		at(rule("b-allow", "b", 22, anywhere), 5, policy.Allow), at(rule("b-also", "b", 24, anywhere), 6, policy.Allow),
		rule("u-22", "u", 22, anywhere), rule("u-23", "u", 23, anywhere), rule("u-24", "u", 24, anywhere))...)
	w.uplink(t)
	w.hv.plug("vm3", 3)
	awaitPort(t, w.c, "vm3", policy.PortActive)
	passes := func(want string) {
		t.Helper()
		var got string
		for _, port := range []uint16{22, 23, 24, 25} {
			if len(w.hv.knock(3, port)) > 0 {
				got += fmt.Sprintf("%d ", port)
			}
		}
		require.Equal(t, want, got)
		w.hv.requireInSync(w.c)
	}
	passes("23 ")
	awaitApplied(t, w.c, put(t, w.Store, vm("vm3", 3, "b", "u", "a")[0]))
	passes("22 23 24 ")
	awaitApplied(t, w.c, put(t, w.Store, vm("vm3", 3, "u", "a", "b")[0], group("u", policy.Ordered)))
	passes("22 23 24 ") // u is the first of all.
	awaitApplied(t, w.c, put(t, w.Store, group("u", policy.Union)))
	passes("23 ")
	awaitApplied(t, w.c, put(t, w.Store, &policy.Rule{
		Meta: policy.Meta{ID: "b-rest"}, GroupID: "b", Direction: policy.Ingress, Protocol: policy.All, Remote: anywhere, Action: policy.Drop,
	}))
	passes("") // The last rule of b drops everything, so that no union group is asked.
}
