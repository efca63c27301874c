package store

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

func project(id string) *policy.Project {
	return &policy.Project{Meta: policy.Meta{ID: id}, Name: id}
}

func vpc(id string) *policy.VPC { return &policy.VPC{Meta: policy.Meta{ID: id}, Name: id} }

func subnet(id, vpc string, vlan int, cidr string) *policy.Subnet {
	return &policy.Subnet{
		Meta: policy.Meta{ID: id}, Name: id, VPCID: policy.VPCID(vpc), VLAN: vlan, CIDRs: []netip.Prefix{netip.MustParsePrefix(cidr)},
	}
}

func group(id string) *policy.Group {
	return &policy.Group{Meta: policy.Meta{ID: id}, Name: id, Evaluation: policy.Union}
}

func instance(id string, groups ...policy.GroupID) *policy.Instance {
	return &policy.Instance{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p", SecurityGroupIDs: groups}
}

func rule(id, group string, port int, remote policy.Remote) *policy.Rule {
	return &policy.Rule{
		Meta: policy.Meta{ID: id}, GroupID: policy.GroupID(group), Direction: policy.Ingress, Protocol: policy.TCP,
		PortMin: &port, PortMax: &port, Remote: remote, Action: policy.Allow,
	}
}

func ipset(id string) *policy.IPSet {
	return &policy.IPSet{Meta: policy.Meta{ID: id}, Name: id, IPVersion: 4}
}

func entry(id, set, cidr string) *policy.Entry {
	return &policy.Entry{Meta: policy.Meta{ID: id}, IPSetID: policy.IPSetID(set), CIDR: policy.CIDR(netip.MustParsePrefix(cidr))}
}

// port is the n-th of the instance in subnet s.
func port(id, instance string, n int) *policy.Port {
	return &policy.Port{
		Meta: policy.Meta{ID: id}, InstanceID: policy.InstanceID(instance), SubnetID: "s",
		MAC:       policy.MAC{0xfa, 0x16, 0x3e, byte(n >> 16), byte(n >> 8), byte(n)},
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})},
	}
}

// put writes objects in one transaction.
func put(objects ...policy.Object) func(policy.Tx) error {
	return func(tx policy.Tx) error {
		for _, o := range objects {
			if err := tx.Put(o); err != nil {
				return err
			}
		}
		return nil
	}
}

func remove(k policy.Kind, ids ...string) func(policy.Tx) error {
	return func(tx policy.Tx) error {
		for _, id := range ids {
			if err := tx.Delete(k, id); err != nil {
				return err
			}
		}
		return nil
	}
}

func mustUpdate(t testing.TB, s *Store, fn func(policy.Tx) error) int64 {
	t.Helper()
	rev, err := s.Update(t.Context(), fn)
	require.NoError(t, err)
	return rev
}

// populate makes project p, VPC v, subnet s (10.0.0.0/8, vlan 0), groups web and db, instance i in group web.
func populate(t testing.TB, s *Store) {
	t.Helper()
	mustUpdate(t, s, put(project("p"), vpc("v"), subnet("s", "v", 0, "10.0.0.0/8"), group("web"), group("db"), instance("i", "web")))
}

func get[T policy.Object](t testing.TB, s *Store, id string) T {
	t.Helper()
	var out T
	s.View(func(v *policy.Snapshot) {
		o, ok := policy.Find[T](v, id)
		require.True(t, ok, fmt.Sprintf("%T %s", out, id))
		out = o
	})
	return out
}

func exists(s *Store, k policy.Kind, id string) (ok bool) {
	s.View(func(v *policy.Snapshot) { _, ok = v.Get(k, id) })
	return ok
}

func count(s *Store, k policy.Kind) (n int) {
	s.View(func(v *policy.Snapshot) { n = v.Len(k) })
	return n
}
