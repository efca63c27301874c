package controller

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// What a bridge may still hold of what was taken away before concerns its host: a change of it is not applied before the bridge has
// caught up. Whatever it held and confirmed to have lost does not.
func TestLingering_WhatABridgeMayStillHoldConcernsItsHost(t *testing.T) {
	friends := &policy.Group{Meta: policy.Meta{ID: "friends"}, Name: "friends", ProjectID: "p"}
	fromFriends := rule("from-friends", "web", 3306, policy.Remote{GroupID: "friends"})
	bad := &policy.IPSet{Meta: policy.Meta{ID: "bad"}, Name: "bad", ProjectID: "p", IPVersion: 4}
	fromBad := rule("from-bad", "web", 25, policy.Remote{IPSetID: "bad"})
	for name, c := range map[string]struct {
		taken func(*small) int64 // from hv1, which is away
		later func(*small) int64
	}{
		"a member leaves a group that a deleted rule named": {
			func(w *small) int64 { return erase(t, w.Store, policy.KindRule, "from-friends") },
			func(w *small) int64 { return put(t, w.Store, vm("friend", 7)...) },
		},
		"an entry leaves an IP set that a deleted rule named": {
			func(w *small) int64 { return erase(t, w.Store, policy.KindRule, "from-bad") },
			func(w *small) int64 { return erase(t, w.Store, policy.KindEntry, "e") },
		},
		"a rule of a group that the port has left is deleted": {
			func(w *small) int64 { return put(t, w.Store, append(vm("vm1", 1), vm("vm2", 2)...)...) },
			func(w *small) int64 { return erase(t, w.Store, policy.KindRule, "web-ssh") },
		},
		"a member leaves a group that is named in a group that the port has left": {
			func(w *small) int64 { return put(t, w.Store, append(vm("vm1", 1), vm("vm2", 2)...)...) },
			func(w *small) int64 { return put(t, w.Store, vm("friend", 7)...) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSmall(t, Options{})
			objects := append(vm("friend", 7, "friends"), friends, fromFriends, bad, fromBad,
				&policy.Entry{Meta: policy.Meta{ID: "e"}, IPSetID: "bad", CIDR: entryCIDR("192.0.2.0/24")})
			awaitApplied(t, w.c, put(t, w.Store, objects...))
			w.hv.cutOff(true)
			awaitState(t, w.c, "hv1", policy.HostDisconnected)
			c.taken(w)
			later := c.later(w)
			eventually(t, func() bool { return w.c.model.revision() >= later })
			behind, _ := w.c.Behind(later)
			require.Equal(t, []policy.HostID{"hv1"}, behind)

			w.hv.cutOff(false)
			awaitApplied(t, w.c, later)
			w.hv.requireInSync(w.c)
			require.Empty(t, w.c.model.lingering.stakes)
			require.Empty(t, w.c.model.lingering.hosts)
		})
	}
}

// A group is in use on a host in two VPCs, and in one of them no more, which the bridge does not know yet: a change of a member in
// that VPC concerns it all the same.
func TestLingering_OfOneVPC(t *testing.T) {
	w := newSmall(t, Options{})
	other := vm("other", 40, "web")
	other[1].(*policy.Port).SubnetID = "s2"
	put(t, w.Store,
		&policy.VPC{Meta: policy.Meta{ID: "v2"}, Name: "v2", ProjectID: "p"},
		&policy.Subnet{Meta: policy.Meta{ID: "s2"}, Name: "s2", VPCID: "v2", VLAN: 8, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}},
		&policy.Group{Meta: policy.Meta{ID: "friends"}, Name: "friends", ProjectID: "p"},
		rule("from-friends", "web", 3306, policy.Remote{GroupID: "friends"}))
	put(t, w.Store, append(other, vm("friend", 7, "friends")...)...)
	w.hv.plug("other", 3)
	awaitPort(t, w.c, "other", policy.PortActive)
	w.hv.requireInSync(w.c)

	w.hv.cutOff(true)
	awaitState(t, w.c, "hv1", policy.HostDisconnected)
	put(t, w.Store, append(vm("vm1", 1), vm("vm2", 2)...)...)
	later := put(t, w.Store, vm("friend", 7)...)
	eventually(t, func() bool { return w.c.model.revision() >= later })
	behind, _ := w.c.Behind(later)
	require.Equal(t, []policy.HostID{"hv1"}, behind)
	w.hv.cutOff(false)
	awaitApplied(t, w.c, later)
	w.hv.requireInSync(w.c)
}
