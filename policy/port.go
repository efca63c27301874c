package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// Instance is a VM. Its groups apply to all its ports, before the ports' own.
type Instance struct {
	Meta
	Name             string            `json:"name"`
	ProjectID        ProjectID         `json:"project_id"`
	Tags             map[string]string `json:"tags,omitempty"`
	SecurityGroupIDs []GroupID         `json:"security_group_ids"`
}

func (i *Instance) Kind() Kind    { return KindInstance }
func (i *Instance) Label() string { return labelOr(i.Name, i.ID) }
func (i *Instance) References() []Ref {
	out := make([]Ref, 0, 1+len(i.SecurityGroupIDs))
	return referToGroups(refer(out, KindProject, i.ProjectID, "/project_id"), i.SecurityGroupIDs)
}
func (i *Instance) Clone() Object {
	c := *i
	c.Tags = maps.Clone(i.Tags)
	c.SecurityGroupIDs = slices.Clone(i.SecurityGroupIDs)
	return &c
}

func referToGroups(out []Ref, ids []GroupID) []Ref {
	for n, id := range ids {
		out = refer(out, KindGroup, id, "/security_group_ids/"+strconv.Itoa(n))
	}
	return out
}

// MAC is a unicast Ethernet address; the zero MAC means that none was given.
type MAC [6]byte

// ParseMAC reads the colon form (fa:16:3e:00:00:01); the dash and dot forms are taken too.
func ParseMAC(s string) (MAC, error) {
	hw, err := net.ParseMAC(s)
	if err != nil || len(hw) != 6 {
		return MAC{}, fmt.Errorf("%q is not a MAC address such as fa:16:3e:00:00:01", s)
	}
	return MAC(hw), nil
}

func (m MAC) String() string { return net.HardwareAddr(m[:]).String() }

// IsZero reports whether no MAC was given.
func (m MAC) IsZero() bool { return m == MAC{} }

// IsMulticast reports whether the group bit is set, which no port's own address has.
func (m MAC) IsMulticast() bool { return m[0]&1 == 1 }

// LinkLocal is the IPv6 link-local address that RFC 4291 (appendix A) derives from the MAC.
func (m MAC) LinkLocal() netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: m[0] ^ 2, 9: m[1], 10: m[2], 11: 0xff, 12: 0xfe, 13: m[3], 14: m[4], 15: m[5]})
}

// MarshalText writes the colon form, and nothing for the zero MAC.
func (m MAC) MarshalText() ([]byte, error) {
	if m.IsZero() {
		return nil, nil
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads what ParseMAC reads; nothing is the zero MAC.
func (m *MAC) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*m = MAC{}
		return nil
	}
	v, err := ParseMAC(string(b))
	*m = v
	return err
}

// AddressPair is a further address that a port may use as its own. Without a MAC the port's own is meant. A /0 pair lets
// the port use any address and makes it a member of no group.
type AddressPair struct {
	MAC  MAC          `json:"mac,omitzero"`
	CIDR netip.Prefix `json:"cidr"`
}

// UnmarshalJSON reads the pair strictly and takes a bare address for its /32 or /128.
func (p *AddressPair) UnmarshalJSON(b []byte) error {
	var raw struct {
		MAC  MAC  `json:"mac"`
		CIDR CIDR `json:"cidr"`
	}
	if err := strictJSON(b, &raw); err != nil {
		return err
	}
	*p = AddressPair{MAC: raw.MAC, CIDR: netip.Prefix(raw.CIDR)}
	return nil
}

// PortRole is something that a VM may do on its segment although VMs may not by default.
type PortRole string

const (
	// RoleDHCPServer lets the VM answer DHCP requests and see them.
	RoleDHCPServer PortRole = "dhcp_server"
	// RoleRouter lets the VM send IPv6 router advertisements.
	RoleRouter PortRole = "router"
)

// Port is a VM's network interface.
type Port struct {
	Meta
	InstanceID          InstanceID    `json:"instance_id"`
	SubnetID            SubnetID      `json:"subnet_id"`
	MAC                 MAC           `json:"mac"`
	Addresses           []netip.Addr  `json:"addresses"`
	AllowedAddressPairs []AddressPair `json:"allowed_address_pairs,omitempty"`
	// HypervisorID is where the port is expected; empty while it is unbound. A port is programmed wherever its
	// interface is seen, so that a migration has it on two hosts.
	HypervisorID HostID `json:"hypervisor_id"`
	// IfaceID is what the Interface row on the hypervisor carries as external_ids:iface-id. The store fills in the port's id.
	IfaceID          string     `json:"iface_id"`
	SecurityGroupIDs []GroupID  `json:"security_group_ids"`
	Roles            []PortRole `json:"roles,omitempty"`
	Number           Number     `json:"number"`
}

func (p *Port) Kind() Kind         { return KindPort }
func (p *Port) Label() string      { return p.ID }
func (p *Port) GetNumber() Number  { return p.Number }
func (p *Port) SetNumber(n Number) { p.Number = n }
func (p *Port) References() []Ref {
	out := refer(make([]Ref, 0, 3+len(p.SecurityGroupIDs)), KindInstance, p.InstanceID, "/instance_id")
	out = refer(out, KindSubnet, p.SubnetID, "/subnet_id")
	out = refer(out, KindHypervisor, p.HypervisorID, "/hypervisor_id")
	return referToGroups(out, p.SecurityGroupIDs)
}
func (p *Port) Clone() Object {
	c := *p
	c.Addresses = slices.Clone(p.Addresses)
	c.AllowedAddressPairs = slices.Clone(p.AllowedAddressPairs)
	c.SecurityGroupIDs = slices.Clone(p.SecurityGroupIDs)
	c.Roles = slices.Clone(p.Roles)
	return &c
}

// HasRole reports whether the port may do what the role names.
func (p *Port) HasRole(r PortRole) bool { return slices.Contains(p.Roles, r) }

// MemberPrefixes are the addresses by which the port is a member of its groups: its own and its pairs', /0 excepted.
func (p *Port) MemberPrefixes() []netip.Prefix {
	out := make([]netip.Prefix, 0, len(p.Addresses)+len(p.AllowedAddressPairs))
	for _, a := range p.Addresses {
		out = append(out, HostPrefix(a))
	}
	for _, pair := range p.AllowedAddressPairs {
		if pair.CIDR.Bits() > 0 && !slices.Contains(out, pair.CIDR) {
			out = append(out, pair.CIDR)
		}
	}
	return out
}

var _ json.Unmarshaler = (*AddressPair)(nil)
