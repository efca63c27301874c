package policy

import (
	"net/netip"
	"slices"
)

// VPC is one routing domain: an address means one thing inside it. Group members are looked up within a VPC.
type VPC struct {
	Meta
	Name string `json:"name"`
	// ProjectID is empty for a VPC that all projects share.
	ProjectID ProjectID   `json:"project_id"`
	Profile   ProfileName `json:"profile"`
	Number    Number      `json:"number"`
}

func (v *VPC) Kind() Kind         { return KindVPC }
func (v *VPC) Label() string      { return labelOr(v.Name, v.ID) }
func (v *VPC) GetNumber() Number  { return v.Number }
func (v *VPC) SetNumber(n Number) { v.Number = n }
func (v *VPC) References() []Ref {
	out := refer(make([]Ref, 0, 2), KindProject, v.ProjectID, "/project_id")
	return refer(out, KindProfile, v.Profile, "/profile")
}
func (v *VPC) Clone() Object { c := *v; return &c }

// Subnet is one L2 segment of a VPC. No two subnets share a VLAN: a frame from the fabric belongs to one segment.
type Subnet struct {
	Meta
	Name  string         `json:"name"`
	VPCID VPCID          `json:"vpc_id"`
	CIDRs []netip.Prefix `json:"cidrs"`
	// VLAN tags the segment on the fabric, 1–4094; 0 is untagged.
	VLAN   int    `json:"vlan"`
	Number Number `json:"number"`
}

func (s *Subnet) Kind() Kind         { return KindSubnet }
func (s *Subnet) Label() string      { return labelOr(s.Name, s.ID) }
func (s *Subnet) GetNumber() Number  { return s.Number }
func (s *Subnet) SetNumber(n Number) { s.Number = n }
func (s *Subnet) References() []Ref  { return refer(nil, KindVPC, s.VPCID, "/vpc_id") }
func (s *Subnet) Clone() Object      { c := *s; c.CIDRs = slices.Clone(s.CIDRs); return &c }

// Hypervisor is a host whose bridge Conjunct programs. Its id is the system-id of its Open vSwitch.
type Hypervisor struct {
	Meta
	Name string `json:"name"`
	// Connect is where the controller dials the host's OVSDB (tcp:…, ssl:…, unix:…); empty: the host dials the controller.
	Connect Endpoint `json:"connect"`
}

func (h *Hypervisor) Kind() Kind        { return KindHypervisor }
func (h *Hypervisor) Label() string     { return labelOr(h.Name, h.ID) }
func (h *Hypervisor) References() []Ref { return nil }
func (h *Hypervisor) Clone() Object     { c := *h; return &c }
