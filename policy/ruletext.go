package policy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// RuleText writes a rule in the compact form of the command line: "in tcp 443 from group web". label names what the rule refers to.
func RuleText(r *Rule, label func(Kind, string) string) string {
	var out []string
	if r.Action != Allow && r.Action != "" {
		out = append(out, string(r.Action))
	}
	way, side := "in", "from"
	if r.Direction == Egress {
		way, side = "out", "to"
	}
	out = append(out, way, string(r.Protocol))
	if r.PortMin != nil {
		out = append(out, PortText(*r.PortMin, *r.PortMax))
	}
	if r.ICMPType != nil {
		out = append(out, "type", strconv.Itoa(*r.ICMPType))
	}
	if r.ICMPCode != nil {
		out = append(out, "code", strconv.Itoa(*r.ICMPCode))
	}
	out = append(out, side, RemoteText(r.Remote, label))
	if r.LocalCIDR != nil {
		out = append(out, "local", AddressText(r.LocalCIDR.Prefix()))
	}
	if r.IPVersion != nil {
		out = append(out, fmt.Sprintf("ipv%d", *r.IPVersion))
	}
	if r.Position != nil {
		out = append(out, "position", strconv.Itoa(*r.Position))
	}
	return strings.Join(out, " ")
}

// PortText is a port, or a range of them.
func PortText(low, high int) string {
	if low == high {
		return strconv.Itoa(low)
	}
	return fmt.Sprintf("%d-%d", low, high)
}

// RemoteText writes a remote in the compact form.
func RemoteText(r Remote, label func(Kind, string) string) string {
	switch r.Kind() {
	case RemoteCIDRs:
		out := make([]string, len(r.CIDRs))
		for i, c := range r.CIDRs {
			out[i] = AddressText(c.Prefix())
		}
		return strings.Join(out, ",")
	case RemoteGroup:
		return "group " + label(KindGroup, string(r.GroupID))
	case RemoteIPSet:
		return "set " + label(KindIPSet, string(r.IPSetID))
	case RemoteSubnet:
		return "subnet " + label(KindSubnet, string(r.SubnetID))
	case RemoteOwn:
		return "own-subnet"
	default:
		return "any"
	}
}

// AddressText is an address without its length where that is all of it.
func AddressText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
