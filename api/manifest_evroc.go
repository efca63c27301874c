package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"conjunct/policy"
)

// The manifests of the evroc clouds: a security group with its rules, and the memberships of a virtual machine.

type evrocGroup struct {
	Rules []evrocRule `json:"rules"`
}

type evrocRule struct {
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Direction   policy.Direction `json:"direction"`
	Protocol    policy.Protocol  `json:"protocol"`
	Port        *evrocPort       `json:"port"`
	Remote      *evrocRemote     `json:"remote"`
}

type evrocRemote struct {
	Address          *evrocAddress `json:"address"`
	SecurityGroupRef *evrocRef     `json:"securityGroupRef"`
	SubnetRef        *evrocRef     `json:"subnetRef"`
}

type evrocAddress struct {
	IPAddressOrCIDR *policy.CIDR `json:"IPAddressOrCIDR"`
}

type evrocRef struct {
	Name string `json:"name"`
}

type evrocMachine struct {
	Networking struct {
		SecurityGroups struct {
			Memberships []evrocRef `json:"securityGroupMemberships"`
		} `json:"securityGroups"`
	} `json:"networking"`
}

// evrocFields are the fields of a rule as these manifests call them.
var evrocFields = []renamed{
	{"/port_min", "/port"},
	{"/port_max", "/port"},
	{"/remote/cidrs/0", "/remote/address/IPAddressOrCIDR"},
	{"/remote/security_group_id", "/remote/securityGroupRef/name"},
	{"/remote/subnet_id", "/remote/subnetRef/name"},
}

// evrocPort is a port or a range: 80, "80" or "1000-1100".
type evrocPort struct{ min, max int }

// UnmarshalJSON reads a number, or a string with a number or a range.
func (p *evrocPort) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		text = string(b)
	}
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		high = low
	}
	var err, err2 error
	p.min, err = strconv.Atoi(strings.TrimSpace(low))
	p.max, err2 = strconv.Atoi(strings.TrimSpace(high))
	if err != nil || err2 != nil {
		return fmt.Errorf("%s is not a port such as 80 or a range such as \"1000-1100\"", b)
	}
	return nil
}

// readEvrocGroup makes the group that the document means. Without a list of rules the group has none: the document says
// all of it.
func readEvrocGroup(d *document) (any, error) {
	var in evrocGroup
	var all policy.Invalid
	if err := gather(&all, decodeStrict(d.Spec, &in), ""); err != nil {
		return nil, err
	}
	g := &Group{Rules: []Rule{}}
	g.Name = d.Metadata.Name
	unread := slices.Clone(all.Findings)
	for i, r := range in.Rules {
		at := fmt.Sprintf("/rules/%d/", i)
		if slices.ContainsFunc(unread, func(f policy.Finding) bool { return strings.HasPrefix(f.Pointer+"/", at) }) {
			continue // What was read is not all that it says.
		}
		out := Rule{Rule: policy.Rule{Name: r.Name, Description: r.Description, Direction: r.Direction, Protocol: r.Protocol}}
		if r.Port != nil {
			out.PortMin, out.PortMax = &r.Port.min, &r.Port.max
		}
		remote, err := r.Remote.remote()
		if err := gather(&all, err, at+"remote"); err != nil {
			return nil, err
		}
		out.Remote = remote
		g.Rules = append(g.Rules, out)
	}
	if len(all.Findings) > 0 {
		return nil, &all
	}
	return g, nil
}

func (r *evrocRemote) remote() (out policy.Remote, err error) {
	const choices = "give exactly one of address.IPAddressOrCIDR, securityGroupRef.name, subnetRef.name"
	if r == nil {
		return out, invalid("", "required", "a remote is required: %s (0.0.0.0/0 or ::/0 for anywhere)", choices)
	}
	given := 0
	if r.Address != nil {
		given++
		if r.Address.IPAddressOrCIDR == nil {
			return out, invalid("/address/IPAddressOrCIDR", "required", "an address or a CIDR is required")
		}
		out.CIDRs = []policy.CIDR{*r.Address.IPAddressOrCIDR}
	}
	if r.SecurityGroupRef != nil {
		given++
		if r.SecurityGroupRef.Name == "" {
			return out, invalid("/securityGroupRef/name", "required", "the name of a security group is required")
		}
		out.GroupID = policy.GroupID(r.SecurityGroupRef.Name)
	}
	if r.SubnetRef != nil {
		given++
		if r.SubnetRef.Name == "" {
			return out, invalid("/subnetRef/name", "required", "the name of a subnet is required")
		}
		out.SubnetID = policy.SubnetID(r.SubnetRef.Name)
	}
	if given != 1 {
		return out, invalid("", "remote-not-exclusive", "%s", choices)
	}
	return out, nil
}

// machine is what a VirtualMachine says of an instance: its groups, by name; nil when the document does not speak of them.
type machine struct {
	groups []policy.GroupID
}

func readEvrocMachine(d *document) (any, error) {
	var in evrocMachine
	if err := decodeStrict(d.Spec, &in); err != nil {
		return nil, err
	}
	memberships := in.Networking.SecurityGroups.Memberships
	out := &machine{}
	if memberships != nil {
		out.groups = []policy.GroupID{}
	}
	var all policy.Invalid
	for i, m := range memberships {
		if m.Name == "" {
			all.Findings = append(all.Findings, policy.Finding{
				Pointer: machineGroup(i), Code: "required", Message: "the name of a security group is required",
			})
		}
		out.groups = append(out.groups, policy.GroupID(m.Name))
	}
	if len(all.Findings) > 0 {
		return nil, &all
	}
	return out, nil
}

func machineGroup(i int) string {
	return fmt.Sprintf("/networking/securityGroups/securityGroupMemberships/%d/name", i)
}
