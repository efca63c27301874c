package policy

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUniques_EachCodeHasItsMessage asks every kind what it claims: each claim's message names the holder.
func TestUniques_EachCodeHasItsMessage(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range []Object{
		&Project{Name: "p"}, &VPC{Name: "v"}, &Subnet{Name: "s", VLAN: 7}, &Hypervisor{Name: "h"}, &Instance{Name: "i"}, &Group{Name: "g"},
		&IPSet{Name: "s"}, &Profile{Name: "p"}, &Token{Name: "t"}, &Rule{Name: "r"}, &Entry{CIDR: CIDR(netip.MustParsePrefix("10.0.0.0/8"))}, &Attachment{},
		&Port{Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}},
	} {
		for _, u := range Uniques(o) {
			seen[u.Code] = true
			require.Contains(t, u.Message("the holder"), "the holder", u.Code)
			require.NotContains(t, u.Message("the holder"), "%!", u.Code)
		}
	}
	for code := range uniqueMessages {
		require.True(t, seen[code], "nothing claims %s", code)
	}
}
