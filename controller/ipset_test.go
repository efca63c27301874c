package controller

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/openflow"
	"conjunct/policy"
)

func ipSet(id string) *policy.IPSet {
	return &policy.IPSet{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p", IPVersion: 4}
}

func entry(id string, set policy.IPSetID, prefix string) *policy.Entry {
	return &policy.Entry{Meta: policy.Meta{ID: id}, IPSetID: set, CIDR: entryCIDR(prefix)}
}

// ingressSet is what the switch has for IP sets on the ingress side.
func ingressSet(h *hypervisor) (out []string) {
	for line := range strings.Lines(h.sw.Dump()) {
		if strings.Contains(line, "table=43,") && strings.Contains(line, "reg9") {
			out = append(out, line)
		}
	}
	return out
}

// A change of a set that rules use is one flow for each entry, and nothing else; a word about an entry or a set is none.
func TestA101_AChangedSetTouchesItsOwnFlows(t *testing.T) {
	w := newSmall(t, Options{})
	put(t, w.Store, ipSet("a"), ipSet("b"), ipSet("unused"), entry("a0", "a", "192.0.2.0/24"), entry("b0", "b", "198.51.100.0/24"),
		rule("from-a", "web", 80, policy.Remote{IPSetID: "a"}), rule("from-b", "web", 81, policy.Remote{IPSetID: "b"}))
	w.change(t, 1)
	w.hv.requireInSync(w.c)
	require.Len(t, ingressSet(w.hv), 2)
	cost := func(want int, objects ...policy.Object) {
		t.Helper()
		before := w.hv.mods()
		awaitApplied(t, w.c, put(t, w.Store, objects...))
		require.Equal(t, want, w.hv.mods()-before)
		w.hv.requireInSync(w.c)
	}
	cost(1, entry("a1", "a", "203.0.113.0/28"))
	var many []policy.Object
	for i := range 50 {
		many = append(many, entry(fmt.Sprintf("m%d", i), "a", fmt.Sprintf("203.0.113.%d/32", 100+i)))
	}
	cost(50, many...)
	cost(0, entry("u1", "unused", "203.0.113.0/24"))
	described := entry("a1", "a", "203.0.113.0/28")
	described.Description = "the branch"
	cost(0, described)
	renamed := ipSet("a")
	renamed.Name, renamed.Description = "offices", "where we sit"
	cost(0, renamed)
	cost(0, entry("a1", "a", "203.0.113.16/28"), renamed, described) // Changed and put back in one transaction: as it was.
}

// Prefixes that overlap, inside a set and across sets: what one of them allows does not depend on the others being there.
func TestA037_OverlappingPrefixesAcrossSets(t *testing.T) {
	w := newSmall(t, Options{})
	put(t, w.Store, ipSet("wide"), ipSet("narrow"), entry("w", "wide", "192.0.0.0/8"), entry("n", "narrow", "192.0.2.0/24"),
		rule("from-wide", "web", 80, policy.Remote{IPSetID: "wide"}), rule("from-narrow", "web", 81, policy.Remote{IPSetID: "narrow"}))
	w.uplink(t)
	w.change(t, 1)
	require.Len(t, ingressSet(w.hv), 2)
	passes := func(wide, narrow bool) {
		t.Helper()
		w.hv.requireInSync(w.c)
		require.Equal(t, wide, len(w.hv.knock(1, 80)) > 0, "by the wide set")
		require.Equal(t, narrow, len(w.hv.knock(1, 81)) > 0, "by the narrow set")
		var snapshot *policy.Snapshot
		w.View(func(s *policy.Snapshot) { snapshot = s.Clone() })
		for port, want := range map[uint16]bool{80: wide, 81: narrow} {
			d, ok := policy.Decide(snapshot, "vm1", policy.Ingress, policy.Connection{
				Src: entryCIDR("192.0.2.1/32").Prefix().Addr(), Dst: entryCIDR("10.0.0.1/32").Prefix().Addr(),
				Protocol: policy.ProtoTCP, SrcPort: 40000, DstPort: port,
			})
			require.True(t, ok)
			require.Equal(t, want, d.Allowed, "the oracle says so too")
		}
	}
	step := func(do func() int64) { awaitApplied(t, w.c, do()) }
	passes(true, true)
	step(func() int64 { return erase(t, w.Store, policy.KindEntry, "n") })
	passes(true, false)
	step(func() int64 { return put(t, w.Store, entry("n", "narrow", "192.0.2.0/25")) })
	passes(true, true)
	step(func() int64 { return erase(t, w.Store, policy.KindEntry, "w") })
	passes(false, true)
	step(func() int64 {
		return put(t, w.Store, entry("w", "wide", "192.0.2.1/32"), entry("w2", "wide", "192.0.0.0/16"), entry("w3", "wide", "192.0.2.0/25"))
	})
	passes(true, true)
	for _, id := range []string{"w2", "w3"} { // Nested in one set: each can go.
		step(func() int64 { return erase(t, w.Store, policy.KindEntry, id) })
		passes(true, true)
	}
	step(func() int64 { return erase(t, w.Store, policy.KindEntry, "w") })
	passes(false, true)
	step(func() int64 { return put(t, w.Store, entry("all", "wide", "0.0.0.0/0")) })
	passes(true, true)
}

// Attachments of every kind take effect at once, and going they leave nothing behind.
func TestA061_A065_AttachmentsOnTheSwitch(t *testing.T) {
	w := newSmall(t, Options{})
	put(t, w.Store, append(vm("vm3", 3), &policy.Group{Meta: policy.Meta{ID: "g"}, Name: "g", ProjectID: "p"}, rule("g-80", "g", 80, anywhere))...)
	w.uplink(t)
	w.hv.plug("vm3", 3)
	awaitPort(t, w.c, "vm3", policy.PortActive)
	tagged := vm("vm3", 3)[0].(*policy.Instance)
	tagged.Tags = map[string]string{"tier": "web"}
	awaitApplied(t, w.c, put(t, w.Store, tagged))
	held := w.hv.sw.Dump()
	require.Empty(t, w.hv.knock(3, 80))
	attachment := func(target policy.Target) policy.Object {
		return &policy.Attachment{Meta: policy.Meta{ID: "att"}, GroupID: "g", Target: target}
	}
	has := tagged.Clone().(*policy.Instance)
	has.SecurityGroupIDs = []policy.GroupID{"g"}
	own := vm("vm3", 3)[1].(*policy.Port)
	own.SecurityGroupIDs = []policy.GroupID{"g"}
	cidr := entryCIDR("10.0.0.3/32")
	for name, c := range map[string]struct{ attach, undo policy.Object }{
		"instance": {has, tagged},
		"port":     {own, vm("vm3", 3)[1]},
		"subnet":   {attachment(policy.Target{SubnetID: "s"}), nil},
		"cidr":     {attachment(policy.Target{CIDR: &cidr, VPCID: "v"}), nil},
		"tag":      {attachment(policy.Target{Tag: map[string]string{"tier": "web"}}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			awaitApplied(t, w.c, put(t, w.Store, c.attach))
			require.Equal(t, []openflow.Port{3}, w.hv.knock(3, 80))
			w.hv.requireInSync(w.c)
			if c.undo != nil {
				awaitApplied(t, w.c, put(t, w.Store, c.undo))
			} else {
				awaitApplied(t, w.c, erase(t, w.Store, policy.KindAttachment, "att"))
			}
			require.Empty(t, w.hv.knock(3, 80))
			require.Equal(t, held, w.hv.sw.Dump())
		})
	}
}
