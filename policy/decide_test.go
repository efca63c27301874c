package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// verdicts is a small script language for decisions. A world is made by hand, then each row asks one thing.
type verdicts struct {
	s *Snapshot
	t *testing.T
}

func newVerdicts(t *testing.T, profile ProfileName) *verdicts {
	v := &verdicts{s: NewSnapshot(profile), t: t}
	v.put(&Project{Meta: Meta{ID: "p"}, Name: "p"})
	for i, vpc := range []string{"v1", "v2"} {
		v.put(&VPC{Meta: Meta{ID: vpc}, Name: vpc, ProjectID: "p", Number: Number(i + 1)})
		v.put(&Subnet{Meta: Meta{ID: vpc + "-a"}, Name: "a", VPCID: VPCID(vpc), VLAN: 2 * i, Number: Number(10 + i), CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.1.0/24"), netip.MustParsePrefix("2001:db8:1::/64")}})
		v.put(&Subnet{Meta: Meta{ID: vpc + "-b"}, Name: "b", VPCID: VPCID(vpc), VLAN: 2*i + 1, Number: Number(20 + i), CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.2.0/24")}})
	}
	return v
}

func (v *verdicts) put(o Object) {
	Normalize(o, v.s)
	v.s.Put(o)
	require.Empty(v.t, Validate(o, v.s), "%s %s", o.Kind(), o.Base().ID)
}

// vm makes a VM with the groups named, separated by spaces.
func (v *verdicts) vm(id, subnet, groups string, addresses ...string) {
	ins := &Instance{Meta: Meta{ID: id}, Name: id, ProjectID: "p"}
	for _, g := range strings.Fields(groups) {
		if _, ok := Find[*Group](v.s, GroupID(g)); !ok {
			v.put(&Group{Meta: Meta{ID: g}, Name: g, ProjectID: "p", Number: Number(v.s.Len(KindGroup) + 1)})
		}
		ins.SecurityGroupIDs = append(ins.SecurityGroupIDs, GroupID(g))
	}
	v.put(ins)
	p := &Port{Meta: Meta{ID: id}, InstanceID: InstanceID(id), SubnetID: SubnetID(subnet), MAC: MAC{2, 0, 0, 0, 0, byte(v.s.Len(KindPort) + 1)}}
	for _, a := range addresses {
		p.Addresses = append(p.Addresses, netip.MustParseAddr(a))
	}
	v.put(p)
}

func (v *verdicts) rule(group string, r Rule) string {
	r.GroupID = GroupID(group)
	r.Number = Number(v.s.Len(KindRule) + 1)
	r.ID = group + "-" + string(r.Direction) + "-" + string(rune('a'+v.s.Len(KindRule)))
	v.put(&r)
	return r.ID
}

func tcp(src, dst string, port int) Connection {
	return Connection{Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr(dst), Protocol: ProtoTCP, SrcPort: 4000, DstPort: uint16(port)}
}

func (v *verdicts) decide(port string, d Direction, c Connection) Decision {
	out, ok := Decide(v.s, PortID(port), d, c)
	require.True(v.t, ok)
	return out
}

func (v *verdicts) allows(port string, d Direction, c Connection) {
	v.t.Helper()
	require.True(v.t, v.decide(port, d, c).Allowed, "%s %s %+v", port, d, c)
}

func (v *verdicts) refuses(port string, d Direction, c Connection) {
	v.t.Helper()
	require.False(v.t, v.decide(port, d, c).Allowed, "%s %s %+v", port, d, c)
}

func TestA004_UnionOfGroups(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.vm("web", "v1-a", "http ssh", "10.0.1.1")
	v.rule("http", Rule{Direction: Ingress, Protocol: TCP, PortMin: n(80)})
	v.rule("ssh", Rule{Direction: Ingress, Protocol: TCP, PortMin: n(22)})
	v.allows("web", Ingress, tcp("192.0.2.1", "10.0.1.1", 80))
	v.allows("web", Ingress, tcp("192.0.2.1", "10.0.1.1", 22))
	v.refuses("web", Ingress, tcp("192.0.2.1", "10.0.1.1", 443))
}

func TestA008_NoICMPRuleNoPing(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.vm("web", "v1-a", "http", "10.0.1.1")
	v.rule("http", Rule{Direction: Ingress, Protocol: TCP, PortMin: n(80)})
	v.refuses("web", Ingress, Connection{Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("10.0.1.1"), Protocol: ProtoICMP, ICMPType: 8})
}

func TestA009_A010_A011_DirectionsWithoutRulesAreOpenUnderThatProfile(t *testing.T) {
	v := newVerdicts(t, ProfileOpenUntilRuled)
	v.vm("bare", "v1-a", "", "10.0.1.1")
	v.vm("ruled", "v1-a", "g", "10.0.1.2")
	v.rule("g", Rule{Direction: Ingress, Protocol: TCP, PortMin: n(80), IPVersion: n(4)})
	v.allows("bare", Ingress, tcp("192.0.2.1", "10.0.1.1", 1234))
	v.allows("bare", Egress, tcp("10.0.1.1", "192.0.2.1", 1234))
	v.refuses("ruled", Ingress, tcp("192.0.2.1", "10.0.1.2", 1234))
	v.allows("ruled", Egress, tcp("10.0.1.2", "192.0.2.1", 1234))
}

func TestA012_SharingAGroupAllowsNothing(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.vm("a", "v1-a", "g", "10.0.1.1")
	v.vm("b", "v1-a", "g", "10.0.1.2")
	v.refuses("b", Ingress, tcp("10.0.1.1", "10.0.1.2", 80))
	v.rule("g", Rule{Direction: Ingress, Protocol: TCP, Remote: Remote{GroupID: "g"}})
	v.allows("b", Ingress, tcp("10.0.1.1", "10.0.1.2", 80))
}

func TestA036_MembersCountInsideTheVPCOnly(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.vm("db", "v1-a", "db", "10.0.1.1")
	v.vm("client", "v1-a", "clients", "10.0.1.2")
	v.vm("stranger", "v2-a", "clients", "10.0.1.3")
	v.rule("db", Rule{Direction: Ingress, Protocol: TCP, PortMin: n(3306), Remote: Remote{GroupID: "clients"}})
	v.allows("db", Ingress, tcp("10.0.1.2", "10.0.1.1", 3306))
	v.refuses("db", Ingress, tcp("10.0.1.3", "10.0.1.1", 3306))
}

func TestA037_A101_IPSetsFollowTheirEntries(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.put(&IPSet{Meta: Meta{ID: "set"}, Name: "set", ProjectID: "p", IPVersion: 4, Number: 1})
	v.vm("web", "v1-a", "web", "10.0.1.1")
	v.rule("web", Rule{Direction: Ingress, Protocol: TCP, Remote: Remote{IPSetID: "set"}})
	v.refuses("web", Ingress, tcp("192.0.2.1", "10.0.1.1", 80))
	v.put(&Entry{Meta: Meta{ID: "e"}, IPSetID: "set", CIDR: CIDR(netip.MustParsePrefix("192.0.2.0/24"))})
	v.allows("web", Ingress, tcp("192.0.2.1", "10.0.1.1", 80))
}

func TestA038_A070_DatabasesAcceptOnlyTheWebSubnet(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.vm("db", "v1-b", "db", "10.0.2.1")
	v.rule("db", Rule{Direction: Ingress, Protocol: TCP, PortMin: n(3306), Remote: Remote{SubnetID: "v1-a"}})
	v.allows("db", Ingress, tcp("10.0.1.7", "10.0.2.1", 3306))
	v.refuses("db", Ingress, tcp("10.0.2.7", "10.0.2.1", 3306))
}

func TestA041_LocalCIDRIsTheVMsOwnAddress(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.vm("web", "v1-a", "web", "10.0.1.1", "10.0.1.2")
	local := CIDR(netip.MustParsePrefix("10.0.1.2/32"))
	v.rule("web", Rule{Direction: Egress, Protocol: TCP, LocalCIDR: &local})
	v.refuses("web", Egress, tcp("10.0.1.1", "192.0.2.1", 80))
	v.allows("web", Egress, tcp("10.0.1.2", "192.0.2.1", 80))
}

func TestA005_A006_A007_OrderedGroupsDecideByTheFirstMatch(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.put(&Group{Meta: Meta{ID: "o"}, Name: "o", ProjectID: "p", Evaluation: Ordered, Number: 90})
	v.vm("web", "v1-a", "o u", "10.0.1.1")
	v.rule("o", Rule{Direction: Ingress, Protocol: TCP, PortMin: n(80), Remote: cidrs("192.0.2.0/24"), Action: Drop, Position: n(1)})
	v.rule("o", Rule{Direction: Ingress, Protocol: TCP, PortMin: n(80), Position: n(2)})
	v.rule("u", Rule{Direction: Ingress, Protocol: All})
	v.refuses("web", Ingress, tcp("192.0.2.1", "10.0.1.1", 80))
	v.allows("web", Ingress, tcp("198.51.100.1", "10.0.1.1", 80))
	v.allows("web", Ingress, tcp("198.51.100.1", "10.0.1.1", 81))
	v.rule("o", Rule{Direction: Ingress, Protocol: All, Action: Drop, Position: n(3)})
	v.refuses("web", Ingress, tcp("198.51.100.1", "10.0.1.1", 81))
}

func TestA073_A076_TheDefaultGroupStandsInUntilAnotherIsChosen(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.put(&Group{Meta: Meta{ID: "d"}, Name: "default-allow-egress", ProjectID: "p", Origin: OriginDefault, Number: 91})
	v.rule("d", Rule{Direction: Egress, Protocol: All})
	v.vm("vm", "v1-a", "", "10.0.1.1")
	v.allows("vm", Egress, tcp("10.0.1.1", "192.0.2.1", 443))
	v.refuses("vm", Ingress, tcp("192.0.2.1", "10.0.1.1", 443))
	ins, _ := Find[*Instance](v.s, InstanceID("vm"))
	chosen := ins.Clone().(*Instance)
	v.put(&Group{Meta: Meta{ID: "empty"}, Name: "empty", ProjectID: "p", Number: 92})
	chosen.SecurityGroupIDs = []GroupID{"empty"}
	v.put(chosen)
	v.refuses("vm", Egress, tcp("10.0.1.1", "192.0.2.1", 443))
	v.put(ins)
	v.allows("vm", Egress, tcp("10.0.1.1", "192.0.2.1", 443))
}

func TestA083_SMTPGuardStandsAboveTheRules(t *testing.T) {
	v := newVerdicts(t, ProfileOpenUntilRuled)
	v.vm("bare", "v1-a", "", "10.0.1.1")
	v.refuses("bare", Egress, tcp("10.0.1.1", "192.0.2.1", 25))
	v.allows("bare", Ingress, tcp("192.0.2.1", "10.0.1.1", 25))
	v.put(&Project{Meta: Meta{ID: "p"}, Name: "p", SMTPAllowed: true})
	v.allows("bare", Egress, tcp("10.0.1.1", "192.0.2.1", 25))
}

func TestA061_AttachmentsReachPresentAndFuturePorts(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.put(&Group{Meta: Meta{ID: "g"}, Name: "g", ProjectID: "p", Number: 93})
	v.rule("g", Rule{Direction: Ingress, Protocol: TCP, PortMin: n(22)})
	cidr := CIDR(netip.MustParsePrefix("10.0.1.0/28"))
	v.put(&Attachment{Meta: Meta{ID: "a"}, GroupID: "g", Target: Target{CIDR: &cidr, VPCID: "v1"}, Number: 1})
	v.vm("inside", "v1-a", "", "10.0.1.1")
	v.vm("outside", "v1-a", "", "10.0.1.100")
	v.vm("elsewhere", "v2-a", "", "10.0.1.2")
	v.allows("inside", Ingress, tcp("192.0.2.1", "10.0.1.1", 22))
	v.refuses("outside", Ingress, tcp("192.0.2.1", "10.0.1.100", 22))
	v.refuses("elsewhere", Ingress, tcp("192.0.2.1", "10.0.1.2", 22))
}

func TestAttachmentsOfAProjectsGroupStayInTheProject(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.put(&Project{Meta: Meta{ID: "stranger"}, Name: "stranger"})
	v.put(&Group{Meta: Meta{ID: "open"}, Name: "open", ProjectID: "stranger", Number: 95})
	v.rule("open", Rule{Direction: Ingress, Protocol: All})
	cidr := CIDR(netip.MustParsePrefix("10.0.1.0/24"))
	for i, target := range []Target{{Tag: map[string]string{"env": "prod"}}, {SubnetID: "v1-a"}, {CIDR: &cidr, VPCID: "v1"}} {
		v.put(&Attachment{Meta: Meta{ID: fmt.Sprint("a", i)}, GroupID: "open", Target: target, Number: Number(i + 1)})
	}
	v.vm("vm", "v1-a", "", "10.0.1.1")
	ins, _ := Find[*Instance](v.s, InstanceID("vm"))
	tagged := ins.Clone().(*Instance)
	tagged.Tags = map[string]string{"env": "prod"}
	v.put(tagged)
	v.refuses("vm", Ingress, tcp("192.0.2.1", "10.0.1.1", 80))
	require.Empty(t, v.s.MembersOf("open"))

	theirs := tagged.Clone().(*Instance)
	theirs.ProjectID = "stranger"
	v.put(theirs)
	v.allows("vm", Ingress, tcp("192.0.2.1", "10.0.1.1", 80))
}

func TestDecide_NearestMissNamesWhatIsDifferent(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.vm("web", "v1-a", "web", "10.0.1.1")
	v.rule("web", Rule{Direction: Ingress, Protocol: UDP, PortMin: n(53), Remote: cidrs("192.0.2.0/24")})
	near := v.rule("web", Rule{Direction: Ingress, Protocol: TCP, PortMin: n(80), Remote: cidrs("10.0.1.0/24")})
	d := v.decide("web", Ingress, tcp("192.0.2.1", "10.0.1.1", 80))
	require.False(t, d.Allowed)
	require.Equal(t, near, d.Nearest.Rule.ID)
	require.Equal(t, []string{"192.0.2.1 is not in 10.0.1.0/24"}, d.Nearest.Fields)
}

func TestDecide_SpoofedSourcesLeaveNoPort(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.vm("vm", "v1-a", "g", "10.0.1.1")
	v.rule("g", Rule{Direction: Egress, Protocol: All})
	v.allows("vm", Egress, tcp("10.0.1.1", "192.0.2.1", 80))
	d := v.decide("vm", Egress, tcp("10.0.1.2", "192.0.2.1", 80))
	require.False(t, d.Allowed)
	require.Equal(t, TierAntiSpoofing, d.Tier)
}

func TestA129_DHCPNeedsNoRule(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.vm("vm", "v1-a", "empty", "10.0.1.1")
	ask := Connection{Src: netip.IPv4Unspecified(), Dst: netip.MustParseAddr("255.255.255.255"), Protocol: ProtoUDP, SrcPort: 68, DstPort: 67}
	v.allows("vm", Egress, ask)
	v.allows("vm", Ingress, Connection{Src: netip.MustParseAddr("10.0.1.254"), Dst: netip.MustParseAddr("10.0.1.1"), Protocol: ProtoUDP, SrcPort: 67, DstPort: 68})
	serve := Connection{Src: netip.MustParseAddr("10.0.1.1"), Dst: netip.MustParseAddr("10.0.1.9"), Protocol: ProtoUDP, SrcPort: 67, DstPort: 68}
	v.refuses("vm", Egress, serve)
	p, _ := Find[*Port](v.s, PortID("vm"))
	server := p.Clone().(*Port)
	server.Roles = []PortRole{RoleDHCPServer}
	v.put(server)
	v.allows("vm", Egress, serve)
}

func TestTarget_ATagWithoutAValueIsNotATagThatIsMissing(t *testing.T) {
	v := newVerdicts(t, ProfileIsolated)
	v.put(&Group{Meta: Meta{ID: "g"}, Name: "g", ProjectID: "p", Number: 94})
	v.rule("g", Rule{Direction: Ingress, Protocol: TCP})
	v.put(&Attachment{Meta: Meta{ID: "a"}, GroupID: "g", Target: Target{Tag: map[string]string{"web": ""}}, Number: 1})
	v.vm("untagged", "v1-a", "", "10.0.1.1")
	v.vm("tagged", "v1-a", "", "10.0.1.2")
	ins, _ := Find[*Instance](v.s, InstanceID("tagged"))
	tagged := ins.Clone().(*Instance)
	tagged.Tags = map[string]string{"web": ""}
	v.put(tagged)
	v.refuses("untagged", Ingress, tcp("192.0.2.1", "10.0.1.1", 80))
	v.allows("tagged", Ingress, tcp("192.0.2.1", "10.0.1.2", 80))
}
