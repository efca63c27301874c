package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Unique says that no two objects of a kind may have the same Value in the same Scope. The store keeps each as a key.
type Unique struct {
	Scope   string // such as group-name/prj-1
	Value   string
	Pointer string // the field that carries the value
	Code    string // of the conflict; the message goes by it
}

// uniqueMessages says what a conflict means, by its code: %[1]s is the value, %[2]s the object that has it.
var uniqueMessages = map[string]string{
	"name-taken":        "the name %[1]q is taken by %[2]s; choose another or change that one",
	"vlan-in-use":       "vlan %[1]s (0 = untagged) already carries %[2]s; a frame from the fabric must belong to one subnet, so give another vlan",
	"iface-id-taken":    "iface_id %[1]q belongs to %[2]s",
	"mac-taken":         "mac %[1]s belongs to %[2]s of the same subnet",
	"address-taken":     "address %[1]s belongs to %[2]s; addresses are unique inside a VPC",
	"rule-exists":       "the same as %[2]s of the group",
	"entry-exists":      "%[1]s is already in the set as %[2]s",
	"attachment-exists": "the group is already attached there by %[2]s",
}

// Message says that the holder has what somebody else asks for.
func (u Unique) Message(holder string) string {
	return fmt.Sprintf(uniqueMessages[u.Code], u.Value, holder)
}

// Uniques lists what the object claims for itself alone.
func Uniques(o Object) []Unique {
	switch o := o.(type) {
	case *Project:
		return []Unique{uniqueName("project", o.Name)}
	case *VPC:
		return []Unique{uniqueName("vpc/"+string(o.ProjectID), o.Name)}
	case *Subnet:
		return []Unique{uniqueName("subnet/"+string(o.VPCID), o.Name), {
			Scope: "vlan", Value: fmt.Sprint(o.VLAN), Pointer: "/vlan", Code: "vlan-in-use",
		}}
	case *Hypervisor:
		return []Unique{uniqueName("hypervisor", o.Name)}
	case *Instance:
		return []Unique{uniqueName("instance/"+string(o.ProjectID), o.Name)}
	case *Group:
		return []Unique{uniqueName(groupScope(o), o.Name)}
	case *IPSet:
		return []Unique{uniqueName("ip-set/"+string(o.ProjectID), o.Name)}
	case *Profile:
		return []Unique{uniqueName("profile", o.Name)}
	case *Token:
		return []Unique{uniqueName("token", o.Name)}
	case *Port:
		return uniquesOfPort(o)
	case *Rule:
		return uniquesOfRule(o)
	case *Entry:
		return []Unique{{
			Scope: "entry/" + string(o.IPSetID), Value: o.CIDR.Prefix().Masked().String(), Pointer: "/cidr", Code: "entry-exists",
		}}
	case *Attachment:
		return []Unique{{
			Scope: "attachment/" + string(o.GroupID), Value: o.Target.key(), Pointer: "/target", Code: "attachment-exists",
		}}
	}
	return nil
}

// groupScope is where a group's name is its alone: a group of a VPC may be called as one of the project, or of another VPC.
func groupScope(g *Group) string {
	scope := "security-group/" + string(g.ProjectID)
	if g.VPCID != "" {
		scope += "/vpc/" + string(g.VPCID)
	}
	return scope
}

func uniqueName(scope, name string) Unique {
	return Unique{
		Scope: "name/" + scope, Value: name, Pointer: "/name", Code: "name-taken",
	}
}

func uniquesOfPort(p *Port) []Unique {
	out := []Unique{{
		Scope: "iface-id", Value: p.IfaceID, Pointer: "/iface_id", Code: "iface-id-taken",
	}, {
		Scope: "mac/" + string(p.SubnetID), Value: p.MAC.String(), Pointer: "/mac", Code: "mac-taken",
	}}
	// Subnets of a VPC do not overlap and addresses lie in their subnet, so unique in the subnet is unique in the VPC.
	for i, a := range p.Addresses {
		out = append(out, Unique{
			Scope: "address/" + string(p.SubnetID), Value: a.String(), Pointer: fmt.Sprintf("/addresses/%d", i), Code: "address-taken",
		})
	}
	return out
}

func uniquesOfRule(r *Rule) []Unique {
	out := []Unique{{
		Scope: "rule/" + string(r.GroupID), Value: r.Identity(), Pointer: "", Code: "rule-exists",
	}}
	if r.Name != "" {
		u := uniqueName("rule/"+string(r.GroupID), r.Name)
		out = append(out, u)
	}
	return out
}

// Identity is what makes two rules of a group the same rule: direction, protocol, ports, ICMP type and code, IP version,
// remote, local CIDR and action. Name, description and position do not.
func (r *Rule) Identity() string {
	opt := func(n *int) string {
		if n == nil {
			return "-"
		}
		return fmt.Sprint(*n)
	}
	local := "-"
	if r.LocalCIDR != nil {
		local = r.LocalCIDR.Prefix().Masked().String()
	}
	return strings.Join([]string{
		string(r.Direction), string(r.Protocol), opt(r.PortMin), opt(r.PortMax), opt(r.ICMPType), opt(r.ICMPCode), opt(r.IPVersion),
		r.Remote.Key(), local, string(r.Action),
	}, "|")
}

// Key is equal for remotes that mean the same: the order and the spelling of CIDRs do not matter.
func (r Remote) Key() string {
	switch r.Kind() {
	case RemoteCIDRs:
		all := make([]netip.Prefix, 0, len(r.CIDRs))
		for _, c := range r.CIDRs {
			all = append(all, c.Prefix().Masked())
		}
		slices.SortFunc(all, netip.Prefix.Compare)
		return fmt.Sprint(slices.Compact(all))
	case RemoteGroup:
		return "group:" + string(r.GroupID)
	case RemoteIPSet:
		return "set:" + string(r.IPSetID)
	case RemoteSubnet:
		return "subnet:" + string(r.SubnetID)
	case RemoteOwn:
		return "own-subnet"
	case RemoteAny:
	}
	return "any"
}

func (t Target) key() string {
	cidr := ""
	if t.CIDR != nil {
		cidr = t.CIDR.String()
	}
	tag := ""
	for k, v := range t.Tag {
		tag = k + "=" + v
	}
	return strings.Join([]string{string(t.InstanceID), string(t.PortID), string(t.SubnetID), cidr, string(t.VPCID), tag}, "|")
}
