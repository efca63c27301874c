package policy

import "slices"

// Action is what a matching rule decides.
type Action string

const (
	Allow Action = "allow"
	Drop  Action = "drop" // in ordered groups only
)

// Rule allows (or, in an ordered group, drops) the connections of one direction that match its protocol, its ports or
// ICMP type, its remote and, where given, its local CIDR. Optional numbers are nil when absent.
type Rule struct {
	Meta
	GroupID   GroupID   `json:"security_group_id"`
	Name      string    `json:"name,omitempty"`
	Direction Direction `json:"direction"`
	Protocol  Protocol  `json:"protocol"`
	PortMin   *int      `json:"port_min"`   // 1–65535; the destination port of the connection
	PortMax   *int      `json:"port_max"`   // 1–65535, not below PortMin
	ICMPType  *int      `json:"icmp_type"`  // 0–255
	ICMPCode  *int      `json:"icmp_code"`  // 0–255, with a type only
	IPVersion *int      `json:"ip_version"` // 4, 6 or nil: as Families derives
	Remote    Remote    `json:"remote"`
	LocalCIDR *CIDR     `json:"local_cidr"`
	Action    Action    `json:"action"`
	Position  *int      `json:"position"` // in ordered groups: 1 is tried first
	// Description is free text.
	Description string `json:"description,omitempty"`
	Number      Number `json:"number"`
}

func (r *Rule) Kind() Kind         { return KindRule }
func (r *Rule) Label() string      { return labelOr(r.Name, r.ID) }
func (r *Rule) GetNumber() Number  { return r.Number }
func (r *Rule) SetNumber(n Number) { r.Number = n }
func (r *Rule) References() []Ref {
	out := refer(make([]Ref, 0, 2), KindGroup, r.GroupID, "/security_group_id")
	out = refer(out, KindGroup, r.Remote.GroupID, "/remote/security_group_id")
	out = refer(out, KindIPSet, r.Remote.IPSetID, "/remote/ip_set_id")
	return refer(out, KindSubnet, r.Remote.SubnetID, "/remote/subnet_id")
}
func (r *Rule) Clone() Object {
	c := *r
	c.Remote.CIDRs = slices.Clone(r.Remote.CIDRs)
	return &c
}

// RemoteKind is the kind of a rule's other side.
type RemoteKind string

const (
	RemoteAny    RemoteKind = "any"
	RemoteCIDRs  RemoteKind = "cidrs"
	RemoteGroup  RemoteKind = "security_group_id"
	RemoteIPSet  RemoteKind = "ip_set_id"
	RemoteSubnet RemoteKind = "subnet_id"
	RemoteOwn    RemoteKind = "own_subnet"
)

// Remote is a rule's other side: the source of ingress, the destination of egress. At most one field is set; none is
// anywhere.
type Remote struct {
	Any      bool     `json:"any,omitempty"`
	CIDRs    []CIDR   `json:"cidrs,omitempty"`
	GroupID  GroupID  `json:"security_group_id,omitempty"`
	IPSetID  IPSetID  `json:"ip_set_id,omitempty"`
	SubnetID SubnetID `json:"subnet_id,omitempty"`
	// OwnSubnet is every address of the subnet of the port that the rule protects.
	OwnSubnet bool `json:"own_subnet,omitempty"`
}

// Kinds lists the kinds that are set; a valid remote has at most one.
func (r Remote) Kinds() (out []RemoteKind) {
	for _, k := range []struct {
		set  bool
		kind RemoteKind
	}{
		{r.Any, RemoteAny}, {r.CIDRs != nil, RemoteCIDRs}, {r.GroupID != "", RemoteGroup},
		{r.IPSetID != "", RemoteIPSet}, {r.SubnetID != "", RemoteSubnet}, {r.OwnSubnet, RemoteOwn},
	} {
		if k.set {
			out = append(out, k.kind)
		}
	}
	return out
}

// Kind is the one kind of a valid remote.
func (r Remote) Kind() RemoteKind {
	if ks := r.Kinds(); len(ks) > 0 {
		return ks[0]
	}
	return RemoteAny
}

// Families says for which IP versions the rule speaks: its own ip_version where it has one, else what its remote, its local CIDR
// and its protocol leave: a CIDR of one family, an icmpv6 or an ICMP type (which means ICMPv4's unless the version is 6)
// narrow it. ipSetVersion is the version of the IP set that the rule names, 0 without one.
func (r *Rule) Families(ipSetVersion int) (v4, v6 bool) {
	v4, v6 = true, true
	narrow := func(version int) {
		v4, v6 = v4 && version == 4, v6 && version == 6
	}
	if r.IPVersion != nil {
		narrow(*r.IPVersion)
	}
	if ipSetVersion != 0 {
		narrow(ipSetVersion)
	}
	if len(r.Remote.CIDRs) > 0 {
		has4 := slices.ContainsFunc(r.Remote.CIDRs, func(c CIDR) bool { return c.version() == 4 })
		has6 := slices.ContainsFunc(r.Remote.CIDRs, func(c CIDR) bool { return c.version() == 6 })
		v4, v6 = v4 && has4, v6 && has6
	}
	if r.LocalCIDR != nil {
		narrow(r.LocalCIDR.version())
	}
	if r.Protocol == ICMPv6 {
		narrow(6)
	}
	if r.Protocol == ICMP && r.ICMPType != nil && r.IPVersion == nil && v4 && v6 {
		narrow(4)
	}
	return v4, v6
}
