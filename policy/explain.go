package policy

import (
	"net/netip"
	"slices"
)

// End is one side of a question: a port, or an address of the VPC of the other side's port (or of nobody).
type End struct {
	Port    *PortView
	Address netip.Addr
}

// Step is the verdict at one end.
type Step struct {
	Port      *PortView
	Direction Direction
	Decision  Decision
}

// Verdict is the answer for a connection: it passes when both ends let it.
type Verdict struct {
	Allowed bool
	Steps   []Step // the sender's egress, then the receiver's ingress; ends that are not ports have none
}

// Explain says whether a connection passes, with the reason at each end that is a port.
func Explain(s *Snapshot, from, to End, c Connection) Verdict {
	v := Verdict{Allowed: true}
	for _, e := range []struct {
		end End
		d   Direction
	}{{from, Egress}, {to, Ingress}} {
		if e.end.Port == nil {
			continue
		}
		decision := DecideAt(s, e.end.Port, e.d, c)
		v.Steps = append(v.Steps, Step{Port: e.end.Port, Direction: e.d, Decision: decision})
		v.Allowed = v.Allowed && decision.Allowed
	}
	return v
}

// PortAt finds the port of a VPC that has the address as its own.
func (s *Snapshot) PortAt(vpc VPCID, a netip.Addr) (*PortView, bool) {
	for sub := range Referrers[*Subnet](s, KindVPC, string(vpc)) {
		for p := range Referrers[*Port](s, KindSubnet, sub.ID) {
			if slices.Contains(p.Addresses, a) { // Addresses are unique in a VPC.
				return s.PortView(PortID(p.ID))
			}
		}
	}
	return nil, false
}
