package flows

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

func TestPortRange_Blocks(t *testing.T) {
	for _, row := range []struct {
		r    PortRange
		want []block
	}{
		{PortRange{80, 80}, []block{{80, 0xffff}}},
		{PortRange{80, 81}, []block{{80, 0xfffe}}},
		{PortRange{79, 81}, []block{{79, 0xffff}, {80, 0xfffe}}},
		{PortRange{1024, 65535}, []block{{1024, 0xfc00}, {2048, 0xf800}, {4096, 0xf000}, {8192, 0xe000}, {16384, 0xc000}, {32768, 0x8000}}},
		{PortRange{0, 65535}, []block{{0, 0}}},
	} {
		require.Equal(t, row.want, row.r.blocks(), "%v", row.r)
	}
}

// TestPortRange_EveryPort tries ranges at awkward places with every port: in exactly one block, or in none.
func TestPortRange_EveryPort(t *testing.T) {
	for _, r := range []PortRange{{1, 65534}, {1, 65535}, {0, 0}, {65535, 65535}, {1000, 1999}, {4095, 4097}, {32767, 32768}} {
		blocks := r.blocks()
		require.LessOrEqual(t, len(blocks), 30, "%v", r)
		for port := range 1 << 16 {
			in := 0
			for _, b := range blocks {
				if uint16(port)&b.Mask == b.Value {
					in++
				}
			}
			want := 0
			if port >= int(r.First) && port <= int(r.Last) {
				want = 1
			}
			require.Equal(t, want, in, "port %d in %v", port, r)
		}
	}
}

// TestServices_NeverMatchTwoDimensions holds every service component apart from every remote component of the same rule: a match that
// stood for two clauses of one conjunction would never be found.
func TestServices_NeverMatchTwoDimensions(t *testing.T) {
	h := NewHost(newPlayground(nil))
	h.groups[1] = &activeGroup{subnets: map[ownSubnet]int{{1, netip.MustParsePrefix("0.0.0.0/0")}: 1, {1, netip.MustParsePrefix("2001:db8::/64")}: 1}}
	for _, r := range []Rule{
		{V4: true, V6: true, Protocol: policy.TCP, Ports: &PortRange{80, 80}, Remote: Remote{Kind: policy.RemoteOwn}},
		{V4: true, V6: true, Protocol: policy.TCP, Ports: &PortRange{80, 80}, Remote: Remote{Kind: policy.RemoteSubnet, VPC: 1, Prefixes: prefixes("10.0.0.0/24", "::/0")}},
		{V4: true, Protocol: policy.ICMP, Type: 8, Code: 0, Remote: Remote{Kind: policy.RemoteCIDRs, Prefixes: prefixes("0.0.0.0/0")}},
		{V4: true, V6: true, Protocol: policy.SCTP, Ports: &PortRange{1, 65535}, Remote: Remote{Kind: policy.RemoteCIDRs, Prefixes: prefixes("0.0.0.0/0", "::/0")}},
		{V4: true, Protocol: "4", Type: -1, Remote: Remote{Kind: policy.RemoteCIDRs, Prefixes: prefixes("0.0.0.0/0", "10.0.0.0/8")}},
	} {
		r.Direction = policy.Ingress
		services, remotes := r.serviceMatches(), h.remoteMatches(newActiveRule(&r, 1))
		require.NotEmpty(t, services)
		require.NotEmpty(t, remotes)
		for _, remote := range remotes {
			require.NotContains(t, services, remote)
		}
	}
}

func TestCookies_LeadBack(t *testing.T) {
	kind, number, ours := ParseCookie(Cookie(CookieRule, 4711))
	require.Equal(t, CookieRule, kind)
	require.Equal(t, policy.Number(4711), number)
	require.True(t, ours)
	_, _, ours = ParseCookie(0x1234)
	require.False(t, ours)
}

// TestProblems_OversizedFlow names the rules that one flow can't carry; all others keep working.
func TestProblems_OversizedFlow(t *testing.T) {
	g := newPlayground(nil)
	group := &Group{Number: 1}
	for i := range maxConjunctions + 10 {
		group.Rules = append(group.Rules, Rule{
			Number: policy.Number(i + 1), Direction: policy.Ingress, V4: true, V6: true, Protocol: policy.TCP, Type: -1, Code: -1,
			Ports: &PortRange{uint16(i + 1), uint16(i + 1)}, Remote: Remote{Kind: policy.RemoteAny},
		})
	}
	g.groups[1] = group
	g.host.SetPort(&Port{OFPort: 1, VPC: 1, Segment: Segment{Number: 1, VPC: 1}, MAC: policy.MAC{2}, Class: LocalClass{Groups: policy.NumberSetOf(1)}})
	problems := g.host.Problems()
	require.NotEmpty(t, problems)
	require.Contains(t, problems[0], "rules 4001 to 4010 are without effect there")
	for f := range g.host.All() {
		require.LessOrEqual(t, len(f.Actions), maxConjunctions)
	}
}
