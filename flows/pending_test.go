package flows

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// A bridge that takes nothing while addresses without number come and go is remembered as one to compare, not as all of them.
func TestHost_WhatIsPendingIsBounded(t *testing.T) {
	y := newYardstick()
	h := NewHost(y)
	h.SetPort(&Port{
		ID: "p", Number: 1, OFPort: 1, VPC: yardVPC, Segment: Segment{Number: 1, VPC: yardVPC}, MAC: policy.MAC{2},
		Class: LocalClass{Groups: policy.NumberSetOf(1)},
	})
	require.True(t, func() bool { c := h.Changes(); return c.Full }())
	referred := policy.Number(0)
	for _, r := range y.groups[1].Rules {
		if r.Remote.Kind == policy.RemoteGroup {
			referred = r.Remote.Number
		}
	}
	passing := func(n int) {
		prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(n >> 16), byte(n >> 8), byte(n)}), 32)
		for _, d := range y.members.Add(yardVPC, referred, prefix, "x") {
			h.MembersChanged(Delta(d))
		}
		for _, d := range y.members.Remove(yardVPC, referred, prefix, "x") {
			h.MembersChanged(Delta(d))
		}
	}
	for n := range 100 {
		passing(n)
	}
	require.Positive(t, h.Pending())
	c := h.Changes()
	require.True(t, c.Empty(), "what came and went is nothing to send")
	require.Zero(t, c.Grown)
	for n := range 2 * maxPending {
		passing(n)
		require.LessOrEqual(t, h.Pending(), maxPending)
	}
	require.True(t, h.Dirty())
	c = h.Changes()
	require.True(t, c.Full)
	require.False(t, h.Dirty())
}
