package members

import (
	"maps"
	"net/netip"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"conjunct/policy"
)

func name(n policy.Number) (policy.GroupID, bool) {
	return policy.GroupID("sg-" + strconv.Itoa(int(n))), n < 100
}

func TestUpdates_AnAddressStaysWhileAnyVPCHasIt(t *testing.T) {
	d := NewDirectory()
	a := addrs(1, 1)
	require.Equal(t, []Update{{Revision: 9, Group: "sg-5", Adds: a}}, d.Updates(9, d.Add(1, 5, a[0], "p"), name))
	require.Equal(t, []Update{{Revision: 10, Group: "sg-5", Adds: a}}, d.Updates(10, d.Add(2, 5, a[0], "q"), name))
	require.Equal(t, []Update{{Revision: 11, Group: "sg-5", Adds: a}}, d.Updates(11, d.Remove(1, 5, a[0], "p"), name))
	require.Equal(t, a, d.Everywhere(5))
	require.Equal(t, []Update{{Revision: 12, Group: "sg-5", Removes: a}}, d.Updates(12, d.Remove(2, 5, a[0], "q"), name))
	require.Empty(t, d.Everywhere(5))
}

func TestUpdates_OnlyOfGroupsAndOwnSets(t *testing.T) {
	d := NewDirectory()
	require.Empty(t, d.Updates(1, d.Add(0, 5, addrs(1, 1)[0], "entry"), name), "an IP set")
	require.Empty(t, d.Updates(1, d.Add(1, 100, addrs(1, 1)[0], "port"), name), "a group that nobody knows")
	d.Add(1, 6, addrs(1, 1)[0], "port")
	deltas := d.Add(1, 5, prefix("10.0.0.0/8"), "pair")
	require.Len(t, deltas, 2)
	require.Equal(t, []Update{{Revision: 1, Group: "sg-5", Adds: []netip.Prefix{prefix("10.0.0.0/8")}}}, d.Updates(1, deltas, name))
	require.Empty(t, d.Everywhere(100-1))
}

// Updates of any changes, several of them at a revision, lead from what Everywhere said before to what it says after.
func TestUpdates_LeadToWhatEverywhereSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := NewDirectory()
		copied := map[policy.GroupID]map[netip.Prefix]bool{}
		for revision := range int64(rapid.IntRange(1, 20).Draw(t, "revisions")) {
			var deltas []Delta
			for range rapid.IntRange(1, 8).Draw(t, "changes") {
				change := d.Remove
				if rapid.Bool().Draw(t, "add") {
					change = d.Add
				}
				deltas = append(deltas, change(policy.Number(rapid.IntRange(0, 2).Draw(t, "domain")), policy.Number(rapid.IntRange(1, 2).Draw(t, "set")),
					rapid.SampledFrom([]netip.Prefix{prefix("10.0.0.1/32"), prefix("10.0.0.0/8"), prefix("2001:db8::1/128")}).Draw(t, "prefix"),
					rapid.SampledFrom([]string{"p", "q"}).Draw(t, "holder"))...)
			}
			for _, u := range d.Updates(revision, deltas, name) {
				require.NotEmpty(t, len(u.Adds)+len(u.Removes))
				if copied[u.Group] == nil {
					copied[u.Group] = map[netip.Prefix]bool{}
				}
				for _, p := range u.Adds {
					copied[u.Group][p] = true
				}
				for _, p := range u.Removes {
					delete(copied[u.Group], p)
				}
			}
			for group := policy.Number(1); group <= 2; group++ {
				id, _ := name(group)
				want := map[netip.Prefix]bool{}
				for _, p := range d.Everywhere(group) {
					require.False(t, want[p], "%s is listed twice", p)
					want[p] = true
				}
				require.True(t, maps.Equal(want, copied[id]), "%v and by updates %v", want, copied[id])
			}
		}
	})
}
