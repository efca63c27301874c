package policy

import (
	"fmt"
	"net/netip"
	"slices"
)

func (f *findings) subnet(o *Subnet, s *Snapshot) {
	f.name(o.Name)
	f.required("/vpc_id", string(o.VPCID), "vpc_id")
	if o.VLAN < 0 || o.VLAN > 4094 {
		f.add("/vlan", "vlan-range", "vlan %d is outside 0 (untagged) to 4094", o.VLAN)
	}
	if len(o.CIDRs) == 0 {
		f.add("/cidrs", "required", "at least one CIDR is required")
	}
	for i, c := range o.CIDRs {
		pointer := fmt.Sprintf("/cidrs/%d", i)
		f.hostBits(pointer, c)
		if slices.ContainsFunc(o.CIDRs[:i], c.Overlaps) {
			f.add(pointer, "cidr-overlap", "%s overlaps another CIDR of the subnet", c)
		}
		for _, o2 := range slices.SortedFunc(Referrers[*Subnet](s, KindVPC, string(o.VPCID)), byID) {
			if o2.ID == o.ID {
				continue
			}
			if j := slices.IndexFunc(o2.CIDRs, c.Overlaps); j >= 0 {
				f.add(pointer, "cidr-overlap", "%s overlaps %s of subnet %q; addresses are unique inside a VPC", c, o2.CIDRs[j], o2.Label())
			}
		}
	}
}

func (f *findings) port(o *Port, s *Snapshot) {
	f.required("/instance_id", string(o.InstanceID), "instance_id")
	f.required("/subnet_id", string(o.SubnetID), "subnet_id")
	if !ValidName(o.IfaceID) {
		f.add("/iface_id", "iface-id-invalid", "%q does not match %s", o.IfaceID, NamePattern)
	}
	switch {
	case o.MAC.IsZero():
		f.add("/mac", "required", "a MAC address such as fa:16:3e:00:00:01 is required")
	case o.MAC.IsMulticast():
		f.add("/mac", "mac-multicast", "%s is a multicast address; a port's MAC has an even first byte", o.MAC)
	}
	subnet, ok := Find[*Subnet](s, o.SubnetID)
	for i, a := range o.Addresses {
		pointer := fmt.Sprintf("/addresses/%d", i)
		switch {
		case !a.IsValid() || a.Zone() != "" || a.Is4In6() || a.IsMulticast() || a.IsUnspecified() || a.IsLoopback():
			f.add(pointer, "address-invalid", "%q is not an address that a port can have", a)
		case slices.Contains(o.Addresses[:i], a):
			f.add(pointer, "duplicate", "%s is listed twice", a)
		case ok && !slices.ContainsFunc(subnet.CIDRs, func(c netip.Prefix) bool { return c.Contains(a) }):
			f.add(pointer, "address-outside-subnet", "%s lies in no CIDR of subnet %q %v", a, subnet.Label(), subnet.CIDRs)
		}
	}
	for i, pair := range o.AllowedAddressPairs {
		pointer := fmt.Sprintf("/allowed_address_pairs/%d", i)
		f.hostBits(pointer+"/cidr", pair.CIDR)
		if pair.MAC.IsMulticast() {
			f.add(pointer+"/mac", "mac-multicast", "%s is a multicast address", pair.MAC)
		}
	}
	for i, r := range o.Roles {
		if r != RoleDHCPServer && r != RoleRouter {
			f.add(fmt.Sprintf("/roles/%d", i), "role-invalid", "%q is not a role; use %s or %s", r, RoleDHCPServer, RoleRouter)
		}
	}
	ins, ok := Find[*Instance](s, o.InstanceID)
	if !ok {
		return
	}
	f.groups(o.SecurityGroupIDs, ins.ProjectID, s)
	if subnet == nil {
		return
	}
	for i, id := range o.SecurityGroupIDs {
		if g, ok := Find[*Group](s, id); ok {
			f.bound(fmt.Sprintf("/security_group_ids/%d", i), g, subnet.VPCID)
		}
	}
	if vpc, ok := Find[*VPC](s, subnet.VPCID); ok {
		f.scope("/subnet_id", subnet, vpc.ProjectID, ins.ProjectID)
	}
}
