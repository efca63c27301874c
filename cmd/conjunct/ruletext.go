package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"conjunct/policy"
)

// ruleText writes a rule in the compact form that parseRule reads, with names in place of ids.
func (n *names) ruleText(r *policy.Rule) string {
	var out []string
	if r.Action != policy.Allow && r.Action != "" {
		out = append(out, string(r.Action))
	}
	side := "from"
	if r.Direction == policy.Egress {
		side = "to"
	}
	out = append(out, directionWords[r.Direction], string(r.Protocol))
	if r.PortMin != nil {
		out = append(out, portWords(*r.PortMin, *r.PortMax))
	}
	if r.ICMPType != nil {
		out = append(out, "type", strconv.Itoa(*r.ICMPType))
	}
	if r.ICMPCode != nil {
		out = append(out, "code", strconv.Itoa(*r.ICMPCode))
	}
	out = append(out, side, n.remoteText(r.Remote))
	if r.LocalCIDR != nil {
		out = append(out, "local", addressText(r.LocalCIDR.Prefix()))
	}
	if r.IPVersion != nil {
		out = append(out, fmt.Sprintf("ipv%d", *r.IPVersion))
	}
	if r.Position != nil {
		out = append(out, "position", strconv.Itoa(*r.Position))
	}
	return strings.Join(out, " ")
}

var directionWords = map[policy.Direction]string{policy.Ingress: "in", policy.Egress: "out"}

func portWords(low, high int) string {
	if low == high {
		return strconv.Itoa(low)
	}
	return fmt.Sprintf("%d-%d", low, high)
}

func (n *names) remoteText(r policy.Remote) string {
	switch r.Kind() {
	case policy.RemoteCIDRs:
		return cidrText(r.CIDRs)
	case policy.RemoteGroup:
		return "group " + n.label(policy.KindGroup, string(r.GroupID))
	case policy.RemoteIPSet:
		return "set " + n.label(policy.KindIPSet, string(r.IPSetID))
	case policy.RemoteSubnet:
		return "subnet " + n.label(policy.KindSubnet, string(r.SubnetID))
	case policy.RemoteOwn:
		return "own-subnet"
	default:
		return "any"
	}
}

func cidrText(list []policy.CIDR) string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = addressText(c.Prefix())
	}
	return strings.Join(out, ",")
}

// addressText is an address without its length where that is all of it.
func addressText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
