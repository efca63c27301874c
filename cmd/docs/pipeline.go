package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/policy"
)

// pipeline describes every table, with the flows that a small host really has there.
func pipeline(string) ([]byte, error) { //nolint:unparam // a generator like the others
	s, v, ofports := example()
	all := flows.Compile(s, v, ofports, []uint16{9})
	var out bytes.Buffer
	out.WriteString(pipelineHead)
	out.WriteString("\n| table | name | looks at | a packet that matches nothing |\n|---|---|---|---|\n")
	for _, t := range flows.Tables {
		fmt.Fprintf(&out, "| %d | %s | %s | %s |\n", t.Number, t.Name, t.Matches, t.Miss)
	}
	out.WriteString(pipelineCookies)
	out.WriteString(exampleText)
	for _, t := range flows.Tables {
		fmt.Fprintf(&out, "\n## Table %d: %s\n\n%s\n\n```\n", t.Number, t.Name, t.Job)
		for _, f := range all {
			if f.Table == t.Number && shown(f) {
				fmt.Fprintf(&out, "%s   # %s\n", f.String(), explain(s, f))
			}
		}
		out.WriteString("```\n")
	}
	return out.Bytes(), nil
}

// shown leaves out of the example what the first VM shows already.
func shown(f openflow.Flow) bool {
	if f.Table != flows.TableAntiSpoof {
		return true
	}
	text := f.String()
	return !strings.Contains(text, "reg1=0x2") && !strings.Contains(text, "fe80::") && !strings.Contains(text, "ipv6_src=::,")
}

// explain says in words what stands behind a flow.
func explain(s *policy.Snapshot, f openflow.Flow) string {
	kind, number, _ := flows.ParseCookie(f.Cookie)
	named := func(k policy.Kind) string {
		for o := range s.All(k) {
			if n, ok := o.(policy.Numbered); ok && n.GetNumber() == number {
				return fmt.Sprintf("%s %s", k, o.Label())
			}
		}
		return string(k)
	}
	switch kind {
	case flows.CookiePort:
		return named(policy.KindPort)
	case flows.CookieSegment:
		return named(policy.KindSubnet)
	case flows.CookieRule:
		return named(policy.KindRule)
	case flows.CookieMember:
		return "member of groups in " + named(policy.KindVPC)
	case flows.CookiePlatform:
		for _, r := range policy.PlatformRules {
			if r.Number == number {
				return "platform rule " + r.Name
			}
		}
	default:
	}
	return kind.String()
}

// example is two VMs: web may be reached on 80 from anywhere and on 22 from members of admins, and from an IP set on 8443.
func example() (*policy.Snapshot, *policy.View, map[policy.PortID]uint16) {
	s := policy.NewSnapshot(policy.ProfileIsolated)
	next := map[policy.Kind]policy.Number{}
	put := func(o policy.Object) {
		policy.Normalize(o, s)
		if n, ok := o.(policy.Numbered); ok {
			next[o.Kind()]++
			n.SetNumber(next[o.Kind()])
		}
		s.Put(o)
	}
	port := func(n int) *int { return &n }
	put(&policy.Project{Meta: policy.Meta{ID: "p"}, Name: "p"})
	put(&policy.VPC{Meta: policy.Meta{ID: "v"}, Name: "v", ProjectID: "p"})
	put(&policy.Subnet{Meta: policy.Meta{ID: "lan"}, Name: "lan", VPCID: "v", VLAN: 7, CIDRs: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("2001:db8::/64"),
	}})
	put(&policy.IPSet{Meta: policy.Meta{ID: "offices"}, Name: "offices", ProjectID: "p", IPVersion: 4})
	put(&policy.Entry{Meta: policy.Meta{ID: "e1"}, IPSetID: "offices", CIDR: policy.CIDR(netip.MustParsePrefix("192.0.2.0/24"))})
	for _, g := range []string{"web", "admins"} {
		put(&policy.Group{Meta: policy.Meta{ID: g}, Name: g, ProjectID: "p"})
	}
	rule := func(name, group string, r policy.Rule) {
		r.ID, r.Name, r.GroupID = name, name, policy.GroupID(group)
		put(&r)
	}
	anywhere := []policy.CIDR{policy.CIDR(netip.MustParsePrefix("0.0.0.0/0"))}
	rule("http", "web", policy.Rule{Direction: policy.Ingress, Protocol: policy.TCP, PortMin: port(80), Remote: policy.Remote{CIDRs: anywhere}})
	rule("ssh-from-admins", "web", policy.Rule{Direction: policy.Ingress, Protocol: policy.TCP, PortMin: port(22), Remote: policy.Remote{GroupID: "admins"}})
	rule("offices", "web", policy.Rule{Direction: policy.Ingress, Protocol: policy.TCP, PortMin: port(8443), Remote: policy.Remote{IPSetID: "offices"}})
	rule("all-out", "admins", policy.Rule{Direction: policy.Egress, Protocol: policy.All, Remote: policy.Remote{Any: true}})
	ofports := map[policy.PortID]uint16{}
	var ids []policy.PortID
	for i, vm := range []struct{ name, group string }{{"web-1", "web"}, {"admin-1", "admins"}} {
		put(&policy.Instance{Meta: policy.Meta{ID: vm.name}, Name: vm.name, ProjectID: "p", SecurityGroupIDs: []policy.GroupID{policy.GroupID(vm.group)}})
		n := byte(i + 1)
		put(&policy.Port{
			Meta: policy.Meta{ID: vm.name}, InstanceID: policy.InstanceID(vm.name), SubnetID: "lan", MAC: policy.MAC{0xfa, 0x16, 0x3e, 0, 0, n},
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, n}), netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 2: 0x0d, 3: 0xb8, 15: n})},
		})
		ids = append(ids, policy.PortID(vm.name))
		ofports[policy.PortID(vm.name)] = uint16(n)
	}
	return s, policy.Resolve(s, "hv1", ids), ofports
}
