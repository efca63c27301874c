package policy

import (
	"fmt"
	"net/netip"
	"slices"
)

// PlatformRule is a rule of the tier above every tenant's: without it a VM would have no address, or could take another's.
// It decides finally where it matches.
type PlatformRule struct {
	Number    Number // stable; the object part of the cookies of its flows
	Name      string
	Direction Direction
	Action    Action
	Family    int   // 4, 6 or 0 for both
	Protocol  uint8 // 0: not an IP protocol (ARP)
	SrcPort   uint16
	DstPort   uint16
	Dst       netip.Prefix // invalid: any destination
	ICMPTypes []uint8
	// Unless lifts the rule for ports that have the role; Only makes it hold for those alone.
	Unless, Only PortRole
	// Switch makes the rule hold only for ports whose profile has it on; none: for all.
	Switch PlatformSwitch
	// Judged rules decide about connections, as groups' rules do: what answers, and ICMP errors about it, follow, and the other
	// direction stays shut. The others let single packets pass, or refuse them.
	Judged      bool
	Description string
}

// PlatformSwitch names a switch of profiles that platform rules depend on.
type PlatformSwitch string

const (
	SwitchSMTPGuard     PlatformSwitch = "smtp_guard"
	SwitchMetadataRules PlatformSwitch = "metadata_rules"
)

// ICMPv6 types (RFC 4443, 4861, 3810).
const (
	ICMPv6MLDQuery      uint8 = 130
	ICMPv6MLDReport     uint8 = 131
	ICMPv6MLDDone       uint8 = 132
	ICMPv6RouterSolicit uint8 = 133
	ICMPv6RouterAdvert  uint8 = 134
	ICMPv6NeighSolicit  uint8 = 135
	ICMPv6NeighAdvert   uint8 = 136
	ICMPv6Redirect      uint8 = 137
	ICMPv6MLDv2Report   uint8 = 143
)

// PlatformRules lists the tier in the order in which it is tried. Numbers are never given to another rule.
var PlatformRules = []PlatformRule{
	{Number: 1, Name: "dhcp-request", Direction: Egress, Action: Allow, Family: 4, Protocol: ProtoUDP, SrcPort: 68, DstPort: 67,
		Description: "a VM asks for its address"},
	{Number: 2, Name: "dhcp-answer", Direction: Ingress, Action: Allow, Family: 4, Protocol: ProtoUDP, SrcPort: 67, DstPort: 68,
		Description: "a DHCP server answers a VM"},
	{Number: 3, Name: "dhcpv6-request", Direction: Egress, Action: Allow, Family: 6, Protocol: ProtoUDP, SrcPort: 546, DstPort: 547,
		Description: "a VM asks for its IPv6 address"},
	{Number: 4, Name: "dhcpv6-answer", Direction: Ingress, Action: Allow, Family: 6, Protocol: ProtoUDP, SrcPort: 547, DstPort: 546,
		Description: "a DHCPv6 server answers a VM"},
	{Number: 5, Name: "no-dhcp-server", Direction: Egress, Action: Drop, Family: 4, Protocol: ProtoUDP, SrcPort: 67, DstPort: 68, Unless: RoleDHCPServer,
		Description: "a VM does not answer DHCP unless the port has the role dhcp_server"},
	{Number: 6, Name: "no-dhcpv6-server", Direction: Egress, Action: Drop, Family: 6, Protocol: ProtoUDP, SrcPort: 547, DstPort: 546, Unless: RoleDHCPServer,
		Description: "a VM does not answer DHCPv6 unless the port has the role dhcp_server"},
	{Number: 7, Name: "no-router-advertisement", Direction: Egress, Action: Drop, Family: 6, Protocol: ProtoICMPv6,
		ICMPTypes: []uint8{ICMPv6RouterAdvert, ICMPv6Redirect}, Unless: RoleRouter,
		Description: "a VM does not advertise itself as a router unless the port has the role router"},
	{Number: 8, Name: "nd-out", Direction: Egress, Action: Allow, Family: 6, Protocol: ProtoICMPv6,
		ICMPTypes:   []uint8{ICMPv6RouterSolicit, ICMPv6RouterAdvert, ICMPv6NeighSolicit, ICMPv6NeighAdvert, ICMPv6Redirect},
		Description: "IPv6 neighbour discovery for the port's own addresses"},
	{Number: 9, Name: "nd-in", Direction: Ingress, Action: Allow, Family: 6, Protocol: ProtoICMPv6,
		ICMPTypes:   []uint8{ICMPv6RouterSolicit, ICMPv6RouterAdvert, ICMPv6NeighSolicit, ICMPv6NeighAdvert, ICMPv6Redirect},
		Description: "IPv6 neighbour discovery"},
	{Number: 10, Name: "mld-out", Direction: Egress, Action: Allow, Family: 6, Protocol: ProtoICMPv6,
		ICMPTypes:   []uint8{ICMPv6MLDReport, ICMPv6MLDDone, ICMPv6MLDv2Report},
		Description: "a VM reports the multicast groups that it listens to"},
	{Number: 11, Name: "mld-in", Direction: Ingress, Action: Allow, Family: 6, Protocol: ProtoICMPv6,
		ICMPTypes:   []uint8{ICMPv6MLDQuery},
		Description: "a multicast router asks for listeners"},
	{Number: 12, Name: "smtp-guard", Direction: Egress, Action: Drop, Protocol: ProtoTCP, DstPort: 25, Switch: SwitchSMTPGuard, Judged: true,
		Description: "outbound SMTP is refused unless the project has smtp_allowed"},
	{Number: 18, Name: "metadata", Direction: Egress, Action: Allow, Family: 4, Protocol: ProtoTCP, DstPort: 80, Dst: metadataV4,
		Switch: SwitchMetadataRules, Judged: true,
		Description: "a VM asks the metadata service"},
	{Number: 19, Name: "metadata-ipv6", Direction: Egress, Action: Allow, Family: 6, Protocol: ProtoTCP, DstPort: 80, Dst: metadataV6,
		Switch: SwitchMetadataRules, Judged: true,
		Description: "a VM asks the metadata service over IPv6"},
	{Number: 14, Name: "dhcp-serve", Direction: Egress, Action: Allow, Family: 4, Protocol: ProtoUDP, SrcPort: 67, DstPort: 68, Only: RoleDHCPServer,
		Description: "a DHCP server answers"},
	{Number: 15, Name: "dhcp-served", Direction: Ingress, Action: Allow, Family: 4, Protocol: ProtoUDP, SrcPort: 68, DstPort: 67, Only: RoleDHCPServer,
		Description: "a DHCP server is asked"},
	{Number: 16, Name: "dhcpv6-serve", Direction: Egress, Action: Allow, Family: 6, Protocol: ProtoUDP, SrcPort: 547, DstPort: 546, Only: RoleDHCPServer,
		Description: "a DHCPv6 server answers"},
	{Number: 17, Name: "dhcpv6-served", Direction: Ingress, Action: Allow, Family: 6, Protocol: ProtoUDP, SrcPort: 546, DstPort: 547, Only: RoleDHCPServer,
		Description: "a DHCPv6 server is asked"},
	{Number: 13, Name: "arp", Direction: Egress, Action: Allow, Family: 4,
		Description: "ARP for the port's own addresses"},
}

// Platform finds a platform rule by its name; the table has it or the program is wrong.
func Platform(name string) PlatformRule {
	i := slices.IndexFunc(PlatformRules, func(r PlatformRule) bool { return r.Name == name })
	return PlatformRules[i]
}

// AppliesTo reports whether the rule holds for the port at all.
func (r PlatformRule) AppliesTo(v *PortView) bool {
	if (r.Unless != "" && v.Port.HasRole(r.Unless)) || (r.Only != "" && !v.Port.HasRole(r.Only)) {
		return false
	}
	switch r.Switch {
	case SwitchSMTPGuard:
		return v.SMTPGuard
	case SwitchMetadataRules:
		return v.Profile.MetadataRules
	}
	return true
}

func (r PlatformRule) matches(v *PortView, d Direction, c Connection) bool {
	return r.AppliesTo(v) && r.Direction == d && r.Protocol != 0 && r.Protocol == c.Protocol &&
		(r.Family == 0 || r.Family == Version(c.Src)) &&
		(r.SrcPort == 0 || r.SrcPort == c.SrcPort) &&
		(r.DstPort == 0 || r.DstPort == c.DstPort) &&
		(!r.Dst.IsValid() || r.Dst.Contains(c.Dst)) &&
		(len(r.ICMPTypes) == 0 || slices.Contains(r.ICMPTypes, c.ICMPType))
}

// SwitchReason says which switch of the profile makes the rule hold for the port, or what excepts the port from it; empty for rules
// that depend on no switch, and where the switch is off.
func (s *Snapshot) SwitchReason(r *PlatformRule, v *PortView) string {
	words := fmt.Sprintf("profile %s has %s on", v.Profile.Name, r.Switch)
	switch {
	case r.Switch == SwitchMetadataRules && v.Profile.MetadataRules:
		return words
	case r.Switch == SwitchSMTPGuard && v.Profile.SMTPGuard:
		return fmt.Sprintf("%s, and project %s has smtp_allowed %s",
			words, s.labelOf(KindProject, string(v.Instance.ProjectID)), map[bool]string{true: "off", false: "on"}[v.SMTPGuard])
	default:
		return ""
	}
}
