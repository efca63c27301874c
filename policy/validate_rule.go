package policy

import (
	"fmt"
)

// rule checks one rule: what it says by itself, then against its group and its remote.
func (f *findings) rule(o *Rule, s *Snapshot) {
	f.ruleItself(o)
	set, _ := Find[*IPSet](s, o.Remote.IPSetID)
	f.families(o, set)
	f.ruleInGroup(o, s)
}

func (f *findings) ruleItself(o *Rule) {
	if o.Name != "" && !ValidName(o.Name) {
		f.add("/name", "name-invalid", "%q does not match %s", o.Name, NamePattern)
	}
	oneOf(f, "/direction", o.Direction, Ingress, Egress)
	if o.Protocol == "" {
		f.add("/protocol", "required", "a protocol is required: all, tcp, udp, sctp, icmp, icmpv6 or a number 0-255")
	}
	if o.IPVersion != nil && *o.IPVersion != 4 && *o.IPVersion != 6 {
		f.add("/ip_version", "ip-version-invalid", "%d is not an IP version; use 4, 6 or null", *o.IPVersion)
	}
	f.ports(o)
	f.icmp(o)
	f.remote(o)
}

func (f *findings) ports(o *Rule) {
	for _, p := range []struct {
		field string
		port  *int
	}{{"port_min", o.PortMin}, {"port_max", o.PortMax}} {
		if p.port == nil {
			continue
		}
		if !o.Protocol.HasPorts() {
			f.add("/"+p.field, "port-not-allowed", "port_min/port_max may only be set for tcp, udp or sctp (protocol is %s)", o.Protocol)
			return
		}
		if *p.port < 1 || *p.port > 65535 {
			f.add("/"+p.field, "port-range", "%s %d is outside 1 to 65535", p.field, *p.port)
			return
		}
	}
	if o.PortMin != nil && o.PortMax != nil && *o.PortMin > *o.PortMax {
		f.add("/port_min", "port-range", "port_min %d is larger than port_max %d", *o.PortMin, *o.PortMax)
	}
}

func (f *findings) icmp(o *Rule) {
	for _, t := range []struct {
		field string
		value *int
	}{{"icmp_type", o.ICMPType}, {"icmp_code", o.ICMPCode}} {
		if t.value == nil {
			continue
		}
		if !o.Protocol.IsICMP() {
			f.add("/"+t.field, "icmp-not-allowed", "icmp_type/icmp_code may only be set for icmp or icmpv6 (protocol is %s)", o.Protocol)
			return
		}
		if *t.value < 0 || *t.value > 255 {
			f.add("/"+t.field, "icmp-range", "%s %d is outside 0 to 255", t.field, *t.value)
		}
	}
	if o.ICMPCode != nil && o.ICMPType == nil {
		f.add("/icmp_type", "required", "icmp_code %d needs an icmp_type", *o.ICMPCode)
	}
}

func (f *findings) remote(o *Rule) {
	if kinds := o.Remote.Kinds(); len(kinds) > 1 {
		f.add("/remote", "remote-not-exclusive", "give exactly one of any, cidrs, security_group_id, ip_set_id, subnet_id, own_subnet (found %v)", kinds)
	}
	if o.Remote.CIDRs != nil && len(o.Remote.CIDRs) == 0 {
		f.add("/remote/cidrs", "required", "cidrs is empty; leave the remote out to mean anywhere")
	}
	for i, c := range o.Remote.CIDRs {
		f.hostBits(fmt.Sprintf("/remote/cidrs/%d", i), c.Prefix())
	}
	if o.LocalCIDR != nil {
		f.hostBits("/local_cidr", o.LocalCIDR.Prefix())
	}
}

// families refuses a rule whose parts speak of different IP versions: it could never match. set is the IP set that the rule
// names, nil without one.
func (f *findings) families(o *Rule, set *IPSet) {
	mismatch := func(pointer, what string, version int) {
		if o.IPVersion != nil && *o.IPVersion != version {
			f.add(pointer, "family-mismatch", "%s is IPv%d but the rule's ip_version is %d", what, version, *o.IPVersion)
		}
	}
	for i, c := range o.Remote.CIDRs {
		if c.Prefix().IsValid() {
			mismatch(fmt.Sprintf("/remote/cidrs/%d", i), c.String(), c.version())
		}
	}
	if o.LocalCIDR != nil && o.LocalCIDR.Prefix().IsValid() {
		mismatch("/local_cidr", o.LocalCIDR.String(), o.LocalCIDR.version())
	}
	if o.Protocol == ICMPv6 {
		mismatch("/protocol", "icmpv6", 6)
	}
	setVersion := 0
	if set != nil {
		setVersion = set.IPVersion
		mismatch("/remote/ip_set_id", fmt.Sprintf("IP set %q", set.Label()), set.IPVersion)
	}
	if len(*f) > 0 {
		return
	}
	if v4, v6 := o.Families(setVersion); !v4 && !v6 {
		f.add("", "family-mismatch", "protocol %s, remote and local_cidr speak of different IP versions, so the rule could never match", o.Protocol)
	}
}

func (f *findings) ruleInGroup(o *Rule, s *Snapshot) {
	f.required("/security_group_id", string(o.GroupID), "security_group_id")
	g, ok := Find[*Group](s, o.GroupID)
	if !ok {
		return
	}
	f.ruleUnder(o, g.Evaluation, g.Label())
	if other, ok := Find[*Group](s, o.Remote.GroupID); ok {
		f.scope("/remote/security_group_id", other, other.ProjectID, g.ProjectID)
		if g.VPCID != "" {
			f.bound("/remote/security_group_id", other, g.VPCID)
		}
	}
	if set, ok := Find[*IPSet](s, o.Remote.IPSetID); ok {
		f.scope("/remote/ip_set_id", set, set.ProjectID, g.ProjectID)
	}
	if sub, ok := Find[*Subnet](s, o.Remote.SubnetID); ok {
		if vpc, ok := Find[*VPC](s, sub.VPCID); ok && g.ProjectID != "" {
			f.scope("/remote/subnet_id", sub, vpc.ProjectID, g.ProjectID)
		}
		f.bound("/remote/subnet_id", g, sub.VPCID)
	}
}

// ruleUnder checks what depends on how the group evaluates its rules.
func (f *findings) ruleUnder(o *Rule, evaluation Evaluation, group string) {
	switch o.Action {
	case Allow:
	case Drop:
		if evaluation != Ordered {
			f.add("/action", "action-not-in-profile", "group %q evaluates its rules as a union; drop needs an ordered group", group)
		}
	default:
		f.add("/action", "action-invalid", "%q is not an action; use allow (or drop in an ordered group)", o.Action)
	}
	if o.Position != nil && evaluation != Ordered {
		f.add("/position", "position-not-allowed", "group %q evaluates its rules as a union; position belongs to ordered groups, leave it out", group)
	}
	if o.Position != nil && (*o.Position < 1 || *o.Position > MaxPosition) {
		f.add("/position", "position-range", "position %d is outside 1 to %d", *o.Position, MaxPosition)
	}
}
