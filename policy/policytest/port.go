package policytest

import (
	"fmt"
	"net/netip"

	"conjunct/policy"
)

// group makes one of the project p mostly, now and then of q, or of everyone.
func (w *World) group(i int) {
	id := fmt.Sprintf("g%d", i)
	g := &policy.Group{Meta: policy.Meta{ID: id}, Name: id, ProjectID: pick[policy.ProjectID](w, "p", "p", "p", "p", "q", "")}
	if w.chance(3) {
		g.Evaluation = policy.Ordered
	}
	w.Put(g)
}

func (w *World) set(i int) {
	id := fmt.Sprintf("set%d", i)
	version := w.version()
	w.Put(&policy.IPSet{Meta: policy.Meta{ID: id}, Name: id, ProjectID: pick[policy.ProjectID](w, "p", "p", ""), IPVersion: version})
	for n := range 1 + w.r.IntN(5) {
		w.Put(&policy.Entry{Meta: policy.Meta{ID: fmt.Sprintf("%s-%d", id, n)}, IPSetID: policy.IPSetID(id), CIDR: policy.CIDR(w.prefix(version))})
	}
}

// port makes an instance and its port.
func (w *World) port(i int) {
	id := fmt.Sprintf("vm%d", i)
	vpc, project := pick(w, vpcs...), policy.ProjectID("p")
	if vpc.ProjectID == "" {
		project = pick[policy.ProjectID](w, "p", "q")
	}
	sub, _ := policy.Find[*policy.Subnet](w.Snapshot, policy.SubnetID(fmt.Sprintf("%s-s%d", vpc.Name, w.r.IntN(2))))
	var gs []policy.GroupID
	for _, g := range policy.List(w.Snapshot, func(g *policy.Group) bool { return g.ProjectID == "" || g.ProjectID == project }) {
		if w.chance(3) {
			gs = append(gs, policy.GroupID(g.ID))
		}
	}
	w.r.Shuffle(len(gs), func(a, b int) { gs[a], gs[b] = gs[b], gs[a] })
	cut := w.r.IntN(len(gs) + 1)
	instance := &policy.Instance{Meta: policy.Meta{ID: id}, Name: id, ProjectID: project, SecurityGroupIDs: gs[:cut]}
	if w.chance(2) {
		instance.Tags = map[string]string{"tier": pick(w, "web", "db")}
	}
	w.Put(instance)
	p := &policy.Port{
		Meta: policy.Meta{ID: id}, InstanceID: policy.InstanceID(id), SubnetID: policy.SubnetID(sub.ID), MAC: policy.MAC{0xfa, 0x16, 0x3e, 0, 0, byte(i + 1)},
		SecurityGroupIDs: gs[cut:], Addresses: w.addressesIn(sub),
	}
	if w.chance(3) {
		pair := policy.AddressPair{CIDR: w.prefix(w.version())}
		if w.chance(3) {
			pair.MAC = policy.MAC{0, 0, 0x5e, 0, 1, byte(w.r.IntN(2) + 1)}
		}
		p.AllowedAddressPairs = append(p.AllowedAddressPairs, pair)
	}
	for _, role := range []policy.PortRole{policy.RoleDHCPServer, policy.RoleRouter} {
		if w.chance(6) {
			p.Roles = append(p.Roles, role)
		}
	}
	w.Put(p)
	w.Ports = append(w.Ports, p)
	w.OFPorts[policy.PortID(id)] = uint16(i + 1)
}

// addressesIn are one of each version mostly: the lowest that are free, so that VPCs have the same.
func (w *World) addressesIn(sub *policy.Subnet) (out []netip.Addr) {
	only, host := pick(w, 0, 0, 0, 0, 4, 6), byte(0)
	for free := false; !free; {
		host++
		_, taken4 := w.Snapshot.PortAt(sub.VPCID, nth(sub.CIDRs[0], host))
		_, taken6 := w.Snapshot.PortAt(sub.VPCID, nth(sub.CIDRs[1], host))
		free = !taken4 && !taken6
	}
	for _, c := range sub.CIDRs {
		if only == 0 || policy.Version(c.Addr()) == only {
			out = append(out, nth(c, host))
		}
	}
	return out
}

// nth is the address of a prefix with the last byte.
func nth(p netip.Prefix, last byte) netip.Addr {
	raw := p.Addr().AsSlice()
	raw[len(raw)-1] = last
	a, _ := netip.AddrFromSlice(raw)
	return a
}

// attachment gives a group to the ports of a subnet, a CIDR of a VPC, a tag, an instance or a port.
func (w *World) attachment(i int) {
	p := pick(w, w.Ports...)
	cidr := policy.CIDR(w.prefix(w.version()))
	a := &policy.Attachment{Meta: policy.Meta{ID: fmt.Sprintf("a%d", i)}, GroupID: policy.GroupID(fmt.Sprintf("g%d", w.r.IntN(groups))), Target: pick(w,
		policy.Target{SubnetID: p.SubnetID},
		policy.Target{VPCID: policy.VPCID(pick(w, vpcs...).Name), CIDR: &cidr},
		policy.Target{Tag: map[string]string{"tier": pick(w, "web", "db")}},
		policy.Target{InstanceID: p.InstanceID},
		policy.Target{PortID: policy.PortID(p.ID)},
	)}
	if len(policy.Validate(a, w.Snapshot)) == 0 {
		w.Put(a)
	}
}
