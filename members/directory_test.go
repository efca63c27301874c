package members

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func of(numbers ...policy.Number) policy.NumberSet { return policy.NumberSetOf(numbers...) }

func TestDirectory_NestedPrefixes(t *testing.T) {
	d := NewDirectory()
	require.Equal(t, []Delta{{Prefix: prefix("10.1.0.0/16"), OwnAfter: of(2), EffectiveAfter: of(2)}},
		d.Add(0, 2, prefix("10.1.0.0/16"), "b"))
	require.Equal(t, []Delta{{Prefix: prefix("10.1.0.9/32"), OwnAfter: of(3), EffectiveAfter: of(2, 3)}},
		d.Add(0, 3, prefix("10.1.0.9/32"), "c"))

	// The /8 comes with a delta for everything inside it, in address order.
	require.Equal(t, []Delta{
		{Prefix: prefix("10.0.0.0/8"), OwnAfter: of(1), EffectiveAfter: of(1)},
		{Prefix: prefix("10.1.0.0/16"), OwnBefore: of(2), OwnAfter: of(2), EffectiveBefore: of(2), EffectiveAfter: of(1, 2)},
		{Prefix: prefix("10.1.0.9/32"), OwnBefore: of(3), OwnAfter: of(3), EffectiveBefore: of(2, 3), EffectiveAfter: of(1, 2, 3)},
	}, d.Add(0, 1, prefix("10.0.0.0/8"), "a"))

	require.Equal(t, of(3), d.Own(0, prefix("10.1.0.9/32")))
	require.Equal(t, of(1, 2, 3), d.Effective(0, prefix("10.1.0.9/32")))
	require.Equal(t, of(1, 2), d.Lookup(0, netip.MustParseAddr("10.1.0.10")))
	require.Equal(t, of(1), d.Lookup(0, netip.MustParseAddr("10.200.0.1")))
	require.Empty(t, d.Lookup(0, netip.MustParseAddr("11.0.0.1")))
	require.Empty(t, d.Effective(0, prefix("10.1.0.10/32")), "a prefix that is not listed has no effective sets")

	// The middle one goes: what is inside keeps the outer one.
	require.Equal(t, []Delta{
		{Prefix: prefix("10.1.0.0/16"), OwnBefore: of(2), EffectiveBefore: of(1, 2)},
		{Prefix: prefix("10.1.0.9/32"), OwnBefore: of(3), OwnAfter: of(3), EffectiveBefore: of(1, 2, 3), EffectiveAfter: of(1, 3)},
	}, d.Remove(0, 2, prefix("10.1.0.0/16"), "b"))
}

func TestDirectory_LeavesWithTheLastHolder(t *testing.T) {
	d := NewDirectory()
	vip := prefix("192.0.2.7/32")
	require.Len(t, d.Add(1, 5, vip, "port-a"), 1)
	require.Empty(t, d.Add(1, 5, vip, "port-b"))
	require.Empty(t, d.Add(1, 5, vip, "port-b"), "a holder lists a prefix once")
	require.Empty(t, d.Remove(1, 5, vip, "port-a"))
	require.Empty(t, d.Remove(1, 5, vip, "port-a"), "a holder takes away only what it listed")
	require.Equal(t, 1, d.Len(1, 5))
	require.Len(t, d.Remove(1, 5, vip, "port-b"), 1)
	require.Equal(t, 0, d.Len(1, 5))
	require.Empty(t, d.domains, "an empty directory holds nothing")
}

func TestDirectory_AddressInTwoGroupsLeavesOne(t *testing.T) {
	d := NewDirectory()
	a := prefix("10.0.0.1/32")
	d.Add(1, 5, a, "port")
	d.Add(1, 6, a, "port")
	require.Equal(t, []Delta{{Domain: 1, Prefix: a, OwnBefore: of(5, 6), OwnAfter: of(6), EffectiveBefore: of(5, 6), EffectiveAfter: of(6)}},
		d.Remove(1, 5, a, "port"))
	require.Equal(t, of(6), d.Lookup(1, a.Addr()))
}

func TestDirectory_DomainsAndFamiliesKnowNothingOfOneAnother(t *testing.T) {
	d := NewDirectory()
	d.Add(1, 5, prefix("10.0.0.1/32"), "p")
	d.Add(2, 6, prefix("10.0.0.1/32"), "q")
	d.Add(0, 7, prefix("0.0.0.0/0"), "entry")
	require.Equal(t, of(5), d.Lookup(1, netip.MustParseAddr("10.0.0.1")))
	require.Equal(t, of(6), d.Lookup(2, netip.MustParseAddr("10.0.0.1")))
	require.Equal(t, of(7), d.Lookup(0, netip.MustParseAddr("10.0.0.1")))
	require.Empty(t, d.Lookup(0, netip.MustParseAddr("2001:db8::1")), "0.0.0.0/0 is every IPv4 address and no other")
	require.Empty(t, d.Lookup(0, netip.MustParseAddr("::ffff:10.0.0.1")))
	require.Empty(t, d.Lookup(3, netip.MustParseAddr("10.0.0.1")))
}

func TestDirectory_MasksAndRefusesInvalid(t *testing.T) {
	d := NewDirectory()
	require.Nil(t, d.Add(1, 5, netip.Prefix{}, "p"))
	require.Nil(t, d.Remove(1, 5, netip.Prefix{}, "p"))
	require.Empty(t, d.domains)
	d.Add(1, 5, netip.MustParsePrefix("10.0.0.9/24"), "p")
	require.Equal(t, []netip.Prefix{prefix("10.0.0.0/24")}, slices.Collect(d.Members(1, 5)))
	require.Equal(t, of(5), d.Own(1, netip.MustParsePrefix("10.0.0.77/24")))
	require.Empty(t, d.Own(1, netip.Prefix{}))
	require.Empty(t, d.Lookup(1, netip.Addr{}))
	require.Len(t, d.Remove(1, 5, netip.MustParsePrefix("10.0.0.3/24"), "p"), 1)
}

func TestDirectory_IterationStopsWhenAsked(t *testing.T) {
	d := NewDirectory()
	for i := range 10 {
		d.Add(1, 5, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 32), "p")
	}
	visits := 0
	for range d.Members(1, 5) {
		visits++
		break
	}
	for range d.Prefixes(1) {
		visits++
		break
	}
	require.Equal(t, 2, visits)
}
