package policy

import "net/netip"

// The presets that ship. Each is the way in which a cloud is known to read security groups.
const (
	ProfileOpenUntilRuled ProfileName = "open-until-ruled" // a port without groups is open, and so is a direction without rules
	ProfileIsolated       ProfileName = "isolated"         // a VM reaches everything and is reached by nobody until a group says so
	ProfileSubnetTrust    ProfileName = "subnet-trust"     // as isolated, and reached from its own subnet
	ProfileOrdered        ProfileName = "ordered"          // rules in order, allow and drop; nothing passes without one
	ProfileVPCLocked      ProfileName = "vpc-locked"       // each VPC has a default group that nobody edits
)

// Where cloud images look for the metadata service.
var (
	metadataV4 = netip.MustParsePrefix("169.254.169.254/32")
	metadataV6 = netip.MustParsePrefix("fe80::a9fe:a9fe/128")
)

var (
	allowAllOutbound = RuleTemplate{Name: "allow-all-outbound", Direction: Egress, Protocol: All, Remote: Remote{Any: true}}
	anywhereV4       = Remote{CIDRs: []CIDR{CIDR(netip.MustParsePrefix("0.0.0.0/0"))}}
)

var presets = []Profile{
	{
		Name:         string(ProfileOpenUntilRuled),
		WhenNoGroups: NoGroupsAllow, DirectionWithoutRules: UnruledAllow,
		DefaultEdit: DefaultFree,
		GroupDelete: DeleteDetach, SMTPGuard: true, IPVersion: IPVersionRequired,
	},
	{
		Name:         string(ProfileIsolated),
		WhenNoGroups: NoGroupsDefault,
		Default: &DefaultGroup{
			Name: "default-allow-egress", Scope: DefaultPerProject,
			Description: "For ports without another group: everything out, nothing in",
			Rules:       []RuleTemplate{allowAllOutbound},
		},
		DefaultEdit: DefaultWarn,
		Starters: []StarterGroup{
			{Name: "default-allow-web-protocols", Description: "HTTP and HTTPS from anywhere", Rules: []RuleTemplate{
				{Name: "http", Direction: Ingress, Protocol: TCP, PortMin: new(80)},
				{Name: "https", Direction: Ingress, Protocol: TCP, PortMin: new(443)},
			}},
			{Name: "default-allow-ssh", Description: "SSH from every IPv4 address", Rules: []RuleTemplate{
				{Name: "ssh", Direction: Ingress, Protocol: TCP, PortMin: new(22), Remote: anywhereV4},
			}},
		},
	},
	{
		Name:         string(ProfileSubnetTrust),
		WhenNoGroups: NoGroupsDefault,
		Default: &DefaultGroup{
			Name: "default", Scope: DefaultPerProject,
			Description: "For ports without another group: everything out, in from the port's own subnet",
			Rules: []RuleTemplate{
				allowAllOutbound,
				{Name: "allow-own-subnet", Direction: Ingress, Protocol: All, Remote: Remote{OwnSubnet: true}},
			},
		},
		DefaultEdit: DefaultWarn,
	},
	{
		Name:         string(ProfileOrdered),
		WhenNoGroups: NoGroupsDeny,
		DefaultEdit:  DefaultFree,
		Evaluation:   Ordered,
	},
	{
		Name:         string(ProfileVPCLocked),
		WhenNoGroups: NoGroupsDefault,
		Default: &DefaultGroup{
			Name: "default", Scope: DefaultPerVPC,
			Description: "For ports without another group: everything out, nothing in",
			Rules: []RuleTemplate{
				{Name: "dhcpv6", Direction: Egress, Protocol: UDP, PortMin: new(547), Remote: only("ff02::1:2/128")},
				{Name: "metadata", Direction: Egress, Protocol: TCP, PortMin: new(80), Remote: only(metadataV4.String())},
				{Name: "dhcp", Direction: Egress, Protocol: UDP, PortMin: new(67), Remote: anywhereV4},
				{Name: "metadata-ipv6", Direction: Egress, Protocol: TCP, PortMin: new(80), Remote: only(metadataV6.String())},
				allowAllOutbound,
			},
		},
		DefaultEdit: DefaultLocked,
		GroupDelete: DeleteRequireNoRules, MetadataRules: true,
	},
}

func only(cidr string) Remote { return Remote{CIDRs: []CIDR{CIDR(netip.MustParsePrefix(cidr))}} }

// Presets returns the profiles that ship, each with its name as its id.
func Presets() []*Profile {
	out := make([]*Profile, 0, len(presets))
	for i := range presets {
		p := presets[i].Clone().(*Profile)
		p.ID = p.Name
		normalizeProfile(p)
		out = append(out, p)
	}
	return out
}

// Preset returns the shipped profile of the name.
func Preset(name ProfileName) (*Profile, bool) {
	for _, p := range Presets() {
		if p.Name == string(name) {
			return p, true
		}
	}
	return nil, false
}
