package api

import (
	"net/netip"

	"conjunct/policy"
)

// PlatformRule is a rule of the tier above every tenant's, as the wire shows it.
type PlatformRule struct {
	ID          string           `json:"id"`
	Number      uint32           `json:"number"`
	Direction   policy.Direction `json:"direction"`
	Action      policy.Action    `json:"action"`
	IPVersion   *int             `json:"ip_version"`
	Protocol    *uint8           `json:"protocol_number"` // null: ARP, which is none
	SrcPort     *uint16          `json:"src_port"`
	DstPort     *uint16          `json:"dst_port"`
	DstCIDR     *netip.Prefix    `json:"dst_cidr,omitempty"` // where its packets go; nil: anywhere
	ICMPTypes   []int            `json:"icmp_types,omitempty"`
	Description string           `json:"description"`
	Hits        *policy.Hits     `json:"hits,omitempty"` // of all ports; nil for a user, who sees some of them alone
}

// platformRules lists the tier in the order in which it is tried.
func (c *call) platformRules() error {
	return c.showOne(func(rd *reader) (any, error) {
		page := Page[PlatformRule]{Items: []PlatformRule{}}
		for i := range policy.PlatformRules {
			page.Items = append(page.Items, *rd.platform(&policy.PlatformRules[i]))
		}
		return page, nil
	})
}

func (rd *reader) platform(r *policy.PlatformRule) *PlatformRule {
	p := &PlatformRule{
		ID: r.Name, Number: uint32(r.Number), Direction: r.Direction, Action: r.Action, Description: r.Description,
	}
	if !rd.sight.IsBound() {
		hits := rd.inspector.PlatformHits(r.Number)
		p.Hits = &hits
	}
	for _, t := range r.ICMPTypes { // Not bytes, which JSON would have as text.
		p.ICMPTypes = append(p.ICMPTypes, int(t))
	}
	if r.Family != 0 {
		p.IPVersion = &r.Family
	}
	if r.Protocol != 0 {
		p.Protocol = &r.Protocol
	}
	if r.SrcPort != 0 {
		p.SrcPort = &r.SrcPort
	}
	if r.DstPort != 0 {
		p.DstPort = &r.DstPort
	}
	if r.Dst.IsValid() {
		p.DstCIDR = &r.Dst
	}
	return p
}
