package policytest

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"slices"

	"conjunct/policy"
)

// sorted lists the objects of a kind by id.
func sorted(s *policy.Snapshot, k policy.Kind) []policy.Object {
	return slices.SortedFunc(s.All(k), func(a, b policy.Object) int { return cmp.Compare(a.Base().ID, b.Base().ID) })
}

// profiles makes one of the presets the installation's, and adds one that takes each of its switches from some preset.
func (w *World) profiles() {
	presets := policy.Presets()
	w.Snapshot.DefaultProfile = policy.ProfileName(presets[w.r.IntN(len(presets))].Name)
	for {
		p := presets[w.r.IntN(len(presets))].Clone().(*policy.Profile)
		mixed := reflect.ValueOf(p).Elem()
		for i := range mixed.NumField() {
			if _, is := mixed.Field(i).Interface().(policy.Meta); !is {
				mixed.Field(i).Set(reflect.ValueOf(pick(w, presets...)).Elem().Field(i))
			}
		}
		p.Meta, p.Name = policy.Meta{ID: "mixed"}, "mixed"
		if len(policy.Validate(p, w.Snapshot)) == 0 {
			w.Put(p)
			return
		}
	}
}

// profile is the name of one, or none: what is above decides.
func (w *World) profile() policy.ProfileName {
	names := []policy.ProfileName{"", "mixed"}
	for _, p := range policy.Presets() {
		names = append(names, policy.ProfileName(p.Name))
	}
	return pick(w, names...)
}

// vpcs are the VPCs by the projects that own them; all projects share the last.
var vpcs = []policy.VPC{{Name: "v1", ProjectID: "p"}, {Name: "v2", ProjectID: "p"}, {Name: "v3"}}

// network makes two projects, and VPCs with the same two subnets each.
func (w *World) network() {
	for _, id := range []string{"p", "q"} {
		w.Put(&policy.Project{Meta: policy.Meta{ID: id}, Name: id, SMTPAllowed: w.chance(3), Profile: w.profile()})
	}
	for v := range vpcs {
		vpc := vpcs[v].Clone().(*policy.VPC)
		vpc.ID, vpc.Profile = vpc.Name, w.profile()
		w.Put(vpc)
		for i := range 2 {
			id := fmt.Sprintf("%s-s%d", vpc.ID, i)
			w.Put(&policy.Subnet{Meta: policy.Meta{ID: id}, Name: id, VPCID: policy.VPCID(vpc.ID), VLAN: 10*v + i + 1, CIDRs: []netip.Prefix{
				netip.MustParsePrefix(fmt.Sprintf("10.0.%d.0/24", i)), netip.MustParsePrefix(fmt.Sprintf("2001:db8:0:%d::/64", i)),
			}})
		}
	}
}

// prefix is one that holds some of the world's addresses, nested with others; once in a while everything.
func (w *World) prefix(version int) netip.Prefix {
	a, lengths := w.address(version), []int{0, 1, 8, 16, 23, 24, 25, 28, 29, 30, 31, 32, 32, 32}
	if version == 6 {
		lengths = []int{0, 1, 32, 48, 63, 64, 64, 65, 120, 124, 126, 127, 128, 128, 128}
	}
	return netip.PrefixFrom(a, pick(w, lengths...)).Masked()
}

// address is one of the few that ports and packets have, or one outside.
func (w *World) address(version int) netip.Addr {
	subnet, host := w.r.IntN(2), 1+w.r.IntN(8)
	if version == 4 {
		if w.chance(6) {
			return netip.AddrFrom4([4]byte{192, 0, 2, byte(host)})
		}
		return netip.AddrFrom4([4]byte{10, 0, byte(subnet), byte(host)})
	}
	if w.chance(6) {
		return netip.AddrFrom16([16]byte{0: 0x26, 15: byte(host)})
	}
	return netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 2: 0x0d, 3: 0xb8, 7: byte(subnet), 15: byte(host)})
}

func (w *World) version() int { return pick(w, 4, 6) }
