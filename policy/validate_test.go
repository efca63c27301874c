package policy

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// town is a small snapshot that validations refer to.
func town() *Snapshot {
	s := NewSnapshot(ProfileIsolated)
	for _, o := range []Object{
		&Project{Meta: Meta{ID: "p1"}, Name: "p1"},
		&Project{Meta: Meta{ID: "p2"}, Name: "p2"},
		&Project{Meta: Meta{ID: "strict"}, Name: "strict", Profile: ProfileOpenUntilRuled},
		&VPC{Meta: Meta{ID: "v"}, Name: "v", ProjectID: "p1", Number: 1},
		&Subnet{Meta: Meta{ID: "s"}, Name: "s", VPCID: "v", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}, Number: 1},
		&Group{Meta: Meta{ID: "g"}, Name: "g", ProjectID: "p1", Evaluation: Union, Number: 1},
		&Group{Meta: Meta{ID: "ordered"}, Name: "ordered", ProjectID: "p1", Evaluation: Ordered, Number: 2},
		&Group{Meta: Meta{ID: "other"}, Name: "other", ProjectID: "p2", Evaluation: Union, Number: 3},
		&Group{Meta: Meta{ID: "global"}, Name: "global", Evaluation: Union, Number: 4},
		&Group{Meta: Meta{ID: "gs"}, Name: "gs", ProjectID: "strict", Evaluation: Union, Number: 5},
		&Group{Meta: Meta{ID: "gd"}, Name: "gd", ProjectID: "strict", Evaluation: Union, Origin: OriginDefault, Number: 6},
		&IPSet{Meta: Meta{ID: "set4"}, Name: "set4", ProjectID: "p1", IPVersion: 4, Number: 1},
		&IPSet{Meta: Meta{ID: "set2"}, Name: "set2", ProjectID: "p2", IPVersion: 4, Number: 2},
		&Instance{Meta: Meta{ID: "i"}, Name: "i", ProjectID: "p1"},
	} {
		s.Put(o)
	}
	return s
}

func n(v int) *int { return &v }

func cidrs(texts ...string) Remote {
	var r Remote
	for _, t := range texts {
		r.CIDRs = append(r.CIDRs, CIDR(netip.MustParsePrefix(t)))
	}
	return r
}

func TestValidate_Rule(t *testing.T) {
	for _, row := range []struct {
		name    string
		rule    Rule
		pointer string // "" for a valid rule
		code    string
		message string
	}{
		{"A-017 tcp and a port", Rule{Protocol: TCP, PortMin: n(80)}, "", "", ""},
		{"A-020 sctp with ports", Rule{Protocol: SCTP, PortMin: n(1), PortMax: n(65535)}, "", "", ""},
		{"A-025 port 0", Rule{Protocol: TCP, PortMin: n(0)}, "/port_min", "port-range", "outside 1 to 65535"},
		{"A-025 port 65536", Rule{Protocol: TCP, PortMin: n(1), PortMax: n(65536)}, "/port_max", "port-range", "outside 1 to 65535"},
		{"A-029 min above max", Rule{Protocol: UDP, PortMin: n(443), PortMax: n(80)}, "/port_min", "port-range", "port_min 443 is larger than port_max 80"},
		{"A-030 ports with all", Rule{Protocol: All, PortMin: n(80)}, "/port_min", "port-not-allowed", "(protocol is all)"},
		{"A-030 ports with icmp", Rule{Protocol: ICMP, PortMin: n(80)}, "/port_min", "port-not-allowed", "(protocol is icmp)"},
		{"ICMP type with tcp", Rule{Protocol: TCP, ICMPType: n(8)}, "/icmp_type", "icmp-not-allowed", "(protocol is tcp)"},
		{"ICMP type 256", Rule{Protocol: ICMP, ICMPType: n(256)}, "/icmp_type", "icmp-range", "outside 0 to 255"},
		{"ICMP code without a type", Rule{Protocol: ICMP, ICMPCode: n(0)}, "/icmp_type", "required", "needs an icmp_type"},
		{"no protocol", Rule{}, "/protocol", "required", "a protocol is required"},
		{"A-032 two remotes", Rule{Protocol: TCP, Remote: Remote{GroupID: "g", IPSetID: "set4"}}, "/remote", "remote-not-exclusive", "exactly one"},
		{"A-040 no remote is anywhere", Rule{Protocol: TCP}, "", "", ""},
		{"A-033 host bits", Rule{Protocol: TCP, Remote: cidrs("10.0.0.5/24")}, "/remote/cidrs/0", "cidr-host-bits", "did you mean 10.0.0.0/24 or 10.0.0.5/32?"},
		{"A-035 family against version", Rule{Protocol: TCP, IPVersion: n(4), Remote: cidrs("2001:db8::/32")}, "/remote/cidrs/0", "family-mismatch", "2001:db8::/32 is IPv6 but the rule's ip_version is 4"},
		{"A-035 icmpv6 for version 4", Rule{Protocol: ICMPv6, IPVersion: n(4)}, "/protocol", "family-mismatch", "ip_version is 4"},
		{"A-035 icmpv6 from IPv4", Rule{Protocol: ICMPv6, Remote: cidrs("10.0.0.0/8")}, "", "family-mismatch", "could never match"},
		{"A-100 set of the other version", Rule{Protocol: TCP, IPVersion: n(6), Remote: Remote{IPSetID: "set4"}}, "/remote/ip_set_id", "family-mismatch", "is IPv4"},
		{"version 5", Rule{Protocol: TCP, IPVersion: n(5)}, "/ip_version", "ip-version-invalid", "use 4, 6 or null"},
		{"drop in a union group", Rule{Protocol: TCP, Action: Drop}, "/action", "action-not-in-profile", "drop needs an ordered group"},
		{"A-044 drop in an ordered group", Rule{GroupID: "ordered", Protocol: TCP, Action: Drop, Position: n(1)}, "", "", ""},
		{"position in a union group", Rule{Protocol: TCP, Position: n(1)}, "/position", "position-not-allowed", "belongs to ordered groups"},
		{"group of another project", Rule{Protocol: TCP, Remote: Remote{GroupID: "other"}}, "/remote/security_group_id", "reference-out-of-scope", `belongs to project "p2"`},
		{"A-084 a global group may be named by all", Rule{Protocol: TCP, Remote: Remote{GroupID: "global"}}, "", "", ""},
		{"set of another project", Rule{Protocol: TCP, Remote: Remote{IPSetID: "set2"}}, "/remote/ip_set_id", "reference-out-of-scope", `belongs to project "p2"`},
		{"group that does not exist", Rule{Protocol: TCP, Remote: Remote{GroupID: "nobody"}}, "/remote/security_group_id", "reference-missing", `"nobody" does not exist`},
		{"the default group's own rules, which a profile made", Rule{GroupID: "gd", Protocol: All}, "", "", ""},
		{"a rule that is stored without a version, where requests have to say one", Rule{GroupID: "gs", Protocol: TCP}, "", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := row.rule
			r.ID, r.Direction = "r", Ingress
			if r.GroupID == "" {
				r.GroupID = "g"
			}
			s := town()
			Normalize(&r, s)
			findings := Validate(&r, s)
			if row.code == "" {
				require.Empty(t, findings)
				return
			}
			require.NotEmpty(t, findings)
			require.Equal(t, row.pointer, findings[0].Pointer)
			require.Equal(t, row.code, findings[0].Code)
			require.Contains(t, findings[0].Message, row.message)
		})
	}
}

// TestValidate_AllFindingsAtOnce answers with everything that is wrong, not with the first.
func TestValidate_AllFindingsAtOnce(t *testing.T) {
	r := &Rule{Meta: Meta{ID: "r"}, GroupID: "g", Direction: Ingress, Protocol: ICMP, PortMin: n(1), ICMPType: n(300), Remote: cidrs("10.0.0.1/8")}
	s := town()
	Normalize(r, s)
	var codes []string
	for _, f := range Validate(r, s) {
		codes = append(codes, f.Code)
	}
	require.ElementsMatch(t, []string{"port-not-allowed", "icmp-range", "cidr-host-bits"}, codes)
}

func TestValidate_Port(t *testing.T) {
	good := Port{InstanceID: "i", SubnetID: "s", MAC: MAC{2, 0, 0, 0, 0, 1}, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
	for _, row := range []struct {
		name          string
		change        func(*Port)
		pointer, code string
	}{
		{"as it should be", func(*Port) {}, "", ""},
		{"no MAC", func(p *Port) { p.MAC = MAC{} }, "/mac", "required"},
		{"multicast MAC", func(p *Port) { p.MAC[0] = 1 }, "/mac", "mac-multicast"},
		{"address outside the subnet", func(p *Port) { p.Addresses = []netip.Addr{netip.MustParseAddr("10.0.1.1")} }, "/addresses/0", "address-outside-subnet"},
		{"multicast address", func(p *Port) { p.Addresses = []netip.Addr{netip.MustParseAddr("224.0.0.1")} }, "/addresses/0", "address-invalid"},
		{"address twice", func(p *Port) { p.Addresses = append(p.Addresses, p.Addresses[0]) }, "/addresses/1", "duplicate"},
		{"pair with host bits", func(p *Port) {
			p.AllowedAddressPairs = []AddressPair{{CIDR: netip.MustParsePrefix("10.0.0.5/24")}}
		}, "/allowed_address_pairs/0/cidr", "cidr-host-bits"},
		{"unknown role", func(p *Port) { p.Roles = []PortRole{"king"} }, "/roles/0", "role-invalid"},
		{"group of another project", func(p *Port) { p.SecurityGroupIDs = []GroupID{"other"} }, "/security_group_ids/0", "reference-out-of-scope"},
		{"group twice", func(p *Port) { p.SecurityGroupIDs = []GroupID{"g", "g"} }, "/security_group_ids/1", "duplicate"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := good.Clone().(*Port)
			p.ID = "p"
			row.change(p)
			s := town()
			Normalize(p, s)
			findings := Validate(p, s)
			if row.code == "" {
				require.Empty(t, findings)
				require.Equal(t, "p", p.IfaceID)
				return
			}
			require.Len(t, findings, 1)
			require.Equal(t, row.pointer, findings[0].Pointer)
			require.Equal(t, row.code, findings[0].Code)
		})
	}
}

func TestA057_TenGroupsAnInstance(t *testing.T) {
	s := town()
	ins := &Instance{Meta: Meta{ID: "i"}, Name: "i", ProjectID: "p1"}
	for i := range 11 {
		g := &Group{Meta: Meta{ID: "g" + string(rune('a'+i))}, Name: "x", ProjectID: "p1"}
		s.Put(g)
		ins.SecurityGroupIDs = append(ins.SecurityGroupIDs, GroupID(g.ID))
	}
	conflicts := Conflicts(nil, ins, s)
	require.Len(t, conflicts, 1)
	require.Equal(t, "limit-groups-per-instance", conflicts[0].Code)
	require.Contains(t, conflicts[0].Message, "would have 11 groups, the limit is 10")
	ins.SecurityGroupIDs = ins.SecurityGroupIDs[:10]
	require.Empty(t, Conflicts(nil, ins, s))
}

func TestA098_VersionOfASetWithEntriesIsFrozen(t *testing.T) {
	s := town()
	set, _ := Find[*IPSet](s, IPSetID("set4"))
	now := set.Clone().(*IPSet)
	now.IPVersion = 6
	require.Empty(t, Conflicts(set, now, s), "an empty set may change")
	s.Put(&Entry{Meta: Meta{ID: "e"}, IPSetID: "set4", CIDR: CIDR(netip.MustParsePrefix("10.0.0.0/8"))})
	conflicts := Conflicts(set, now, s)
	require.Len(t, conflicts, 1)
	require.Equal(t, "ip-set-version-frozen", conflicts[0].Code)
	require.Contains(t, conflicts[0].Message, "remove its 1 entries first")
}

func TestA049_IdentityOfRules(t *testing.T) {
	base := func() *Rule {
		r := &Rule{GroupID: "g", Direction: Ingress, Protocol: TCP, PortMin: n(80), Remote: cidrs("10.0.0.0/8", "192.0.2.0/24")}
		Normalize(r, town())
		return r
	}
	same := base()
	same.Name, same.Description = "other", "other"
	same.Remote = cidrs("192.0.2.0/24", "10.0.0.0/8")
	require.Equal(t, base().Identity(), same.Identity(), "name, description and the order of CIDRs do not count")
	for name, change := range map[string]func(*Rule){
		"direction": func(r *Rule) { r.Direction = Egress },
		"protocol":  func(r *Rule) { r.Protocol = UDP },
		"port":      func(r *Rule) { r.PortMax = n(81) },
		"version":   func(r *Rule) { r.IPVersion = n(4) },
		"remote":    func(r *Rule) { r.Remote = Remote{Any: true} },
		"action":    func(r *Rule) { r.Action = Drop },
	} {
		r := base()
		change(r)
		require.NotEqual(t, base().Identity(), r.Identity(), name)
	}
}
