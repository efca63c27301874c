package policy_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
	"conjunct/policy/policytest"
)

// mutations are changes of a random world, each to a copy of it.
var mutations = map[string]func(*rand.Rand, *policy.Snapshot){
	"profile of a VPC": func(r *rand.Rand, s *policy.Snapshot) {
		v := *one[*policy.VPC](r, s)
		v.Profile = policy.ProfileName(one[*policy.Profile](r, s).ID)
		s.Put(&v)
	},
	"switch of a profile": func(r *rand.Rand, s *policy.Snapshot) {
		v := one[*policy.VPC](r, s)
		p := s.ProfileOf(v).Clone().(*policy.Profile)
		p.ID, p.Name = "own", "own"
		p.SMTPGuard = !p.SMTPGuard
		p.WhenNoGroups = []policy.NoGroups{policy.NoGroupsAllow, policy.NoGroupsDeny, policy.NoGroupsDefault}[r.IntN(3)]
		s.Put(p)
		judged := *v
		judged.Profile = "own"
		s.Put(&judged)
	},
	"smtp_allowed": func(_ *rand.Rand, s *policy.Snapshot) {
		p, _ := policy.Find[*policy.Project](s, "p")
		c := *p
		c.SMTPAllowed = !p.SMTPAllowed
		s.Put(&c)
	},
	"rule deleted": func(r *rand.Rand, s *policy.Snapshot) { s.Delete(policy.KindRule, one[*policy.Rule](r, s).ID) },
	"rule edited": func(r *rand.Rand, s *policy.Snapshot) {
		c := *one[*policy.Rule](r, s)
		c.Remote = policy.Remote{Any: true}
		s.Put(&c)
	},
	"groups of an instance": func(r *rand.Rand, s *policy.Snapshot) {
		c := *one[*policy.Instance](r, s)
		c.SecurityGroupIDs = nil
		if r.IntN(2) == 0 {
			c.SecurityGroupIDs = []policy.GroupID{policy.GroupID(one[*policy.Group](r, s).ID)}
		}
		s.Put(&c)
	},
	"groups of a port": func(r *rand.Rand, s *policy.Snapshot) {
		c := *one[*policy.Port](r, s)
		c.SecurityGroupIDs = []policy.GroupID{policy.GroupID(one[*policy.Group](r, s).ID)}
		s.Put(&c)
	},
	"addresses of a port": func(r *rand.Rand, s *policy.Snapshot) {
		c := *one[*policy.Port](r, s)
		c.Addresses = c.Addresses[:1]
		c.AllowedAddressPairs = []policy.AddressPair{{CIDR: netip.MustParsePrefix("10.0.0.64/26")}}
		s.Put(&c)
	},
	"attachment": func(r *rand.Rand, s *policy.Snapshot) {
		s.Put(&policy.Attachment{Meta: policy.Meta{ID: "att"}, Number: 1 << 20, GroupID: policy.GroupID(one[*policy.Group](r, s).ID),
			Target: policy.Target{SubnetID: policy.SubnetID(one[*policy.Subnet](r, s).ID)}})
	},
	"entry": func(r *rand.Rand, s *policy.Snapshot) {
		if all := policy.List[*policy.Entry](s, nil); len(all) > 0 {
			s.Delete(policy.KindEntry, all[r.IntN(len(all))].ID)
		}
	},
	"nothing": func(*rand.Rand, *policy.Snapshot) {},
}

func one[T policy.Object](r *rand.Rand, s *policy.Snapshot) T {
	all := policy.List[T](s, nil)
	return all[r.IntN(len(all))]
}

// TestPreviewMissesNothing changes random worlds and asks Decide: whatever verdict flips is in the preview, and what it says
// passes does.
func TestPreviewMissesNothing(t *testing.T) {
	flipped := make(map[string]int)
	for name, mutate := range mutations {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(40) {
				w := policytest.New(seed)
				after := w.Snapshot.Clone()
				mutate(rand.New(rand.NewPCG(seed, 2)), after)
				preview := policy.PreviewOf(w.Snapshot, after, nil)
				require.Equal(t, policy.PreviewOf(w.Snapshot, after, nil), preview, "the same every time")
				require.Zero(t, policy.PreviewOf(after, after.Clone(), nil).Ports)
				listed := make(map[string]policy.DirectionFlip)
				for _, item := range preview.Items {
					for _, d := range item.Directions {
						listed[fmt.Sprint(item.PortID, d.Direction)] = d
					}
				}
				for range 150 {
					q := w.Question()
					was, _ := policy.Decide(w.Snapshot, q.Port, q.Direction, q.Connection)
					is, _ := policy.Decide(after, q.Port, q.Direction, q.Connection)
					flip, ok := listed[fmt.Sprint(q.Port, q.Direction)]
					if was.Allowed != is.Allowed {
						flipped[name]++
						require.True(t, ok, "seed %d: %+v: %v becomes %v, and the preview has only %+v", seed, q, was.Allowed, is.Allowed, preview.Items)
					}
					if ok {
						passesAsSaid(t, flip.Before, was)
						passesAsSaid(t, flip.After, is)
					}
				}
			}
		})
	}
	for name := range mutations {
		if name != "nothing" {
			require.NotZero(t, flipped[name], "%s flips something", name)
		}
	}
	require.Zero(t, flipped["nothing"])
}

func passesAsSaid(t *testing.T, j *policy.Judgement, d policy.Decision) {
	t.Helper()
	if d.Tier == policy.TierPlatform || d.Tier == policy.TierAntiSpoofing {
		return
	}
	switch j.Passes {
	case policy.PassesEverything:
		require.True(t, d.Allowed, j.Because)
	case policy.PassesNothing:
		require.False(t, d.Allowed, j.Because)
	case policy.PassesByRules:
	}
}

// TestPreviewSaysWhatAProfileFlips has ports for which a profile matters, and ports for which it does not.
func TestPreviewSaysWhatAProfileFlips(t *testing.T) {
	w := policytest.Empty()
	w.Put(&policy.VPC{Meta: policy.Meta{ID: "net"}, Name: "net", ProjectID: "p", Profile: policy.ProfileOpenUntilRuled})
	w.Put(&policy.Subnet{Meta: policy.Meta{ID: "lan"}, Name: "lan", VPCID: "net", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}})
	w.Put(&policy.Group{Meta: policy.Meta{ID: "default"}, Name: "default-allow-egress", ProjectID: "p", Evaluation: policy.Union, Origin: policy.OriginDefault})
	w.Put(&policy.Rule{Meta: policy.Meta{ID: "out"}, GroupID: "default", Direction: policy.Egress, Protocol: policy.All, Remote: policy.Remote{Any: true}, Action: policy.Allow})
	w.Put(&policy.Group{Meta: policy.Meta{ID: "web"}, Name: "web", ProjectID: "p", Evaluation: policy.Union})
	w.Put(&policy.Rule{Meta: policy.Meta{ID: "http"}, GroupID: "web", Direction: policy.Ingress, Protocol: policy.TCP, PortMin: new(80), PortMax: new(80), Remote: policy.Remote{Any: true}, Action: policy.Allow})
	w.Put(&policy.Group{Meta: policy.Meta{ID: "both"}, Name: "both", ProjectID: "p", Evaluation: policy.Union})
	for i, d := range policy.Directions {
		w.Put(&policy.Rule{Meta: policy.Meta{ID: fmt.Sprint("b", i)}, GroupID: "both", Direction: d, Protocol: policy.UDP, Remote: policy.Remote{Any: true}, Action: policy.Allow})
	}
	for i, groups := range [][]policy.GroupID{nil, {"web"}, {"both"}} {
		id := fmt.Sprint("vm", i)
		w.Put(&policy.Instance{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p", SecurityGroupIDs: groups})
		w.Put(&policy.Port{Meta: policy.Meta{ID: id}, InstanceID: policy.InstanceID(id), SubnetID: "lan", MAC: policy.MAC{2, 0, 0, 0, 0, byte(i)},
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})}})
	}
	after := w.Snapshot.Clone()
	vpc, _ := policy.Find[*policy.VPC](after, "net")
	changed := *vpc
	changed.Profile = policy.ProfileIsolated
	after.Put(&changed)

	preview := policy.PreviewOf(w.Snapshot, after, nil)
	require.Equal(t, 3, preview.Ports)
	require.Equal(t, policy.FlipCount{Closed: 1}, preview.Ingress)
	require.Equal(t, policy.FlipCount{Closed: 1, Changed: 2}, preview.Egress, "the SMTP guard goes everywhere")
	flips := make(map[string]policy.DirectionFlip)
	for _, item := range preview.Items {
		for _, d := range item.Directions {
			flips[string(item.PortID)+" "+string(d.Direction)] = d
		}
	}
	ingress := flips["vm0 ingress"]
	require.Equal(t, policy.EffectClosed, ingress.Effect)
	require.Equal(t, []policy.Cause{policy.CauseProfile, policy.CauseGroups}, ingress.Causes)
	require.Equal(t, policy.Judgement{Passes: policy.PassesEverything, Because: "no groups: profile open-until-ruled opens ingress", Groups: []string{},
		Profile: policy.ProfileOpenUntilRuled}, *ingress.Before)
	require.Equal(t, policy.Judgement{Passes: policy.PassesNothing, Because: "default group default-allow-egress: no ingress rule, ingress refused",
		Groups: []string{"default-allow-egress"}, DefaultGroup: true, Profile: policy.ProfileIsolated}, *ingress.After)
	require.Equal(t, []policy.Cause{policy.CausePlatform}, flips["vm0 egress"].Causes, "everything passed and passes, but for the guard")
	require.Equal(t, []string{"smtp-guard"}, flips["vm0 egress"].Before.Platform)
	require.Equal(t, policy.EffectClosed, flips["vm1 egress"].Effect)
	require.Equal(t, "group web: no egress rule, profile open-until-ruled opens it", flips["vm1 egress"].Before.Because)
	require.NotContains(t, flips, "vm1 ingress")
	require.NotContains(t, flips, "vm2 ingress")

	t.Run("the list is bounded, the counts are not", func(t *testing.T) {
		before, after := policytest.Empty(), policytest.Empty()
		for _, s := range []*policy.Snapshot{before.Snapshot, after.Snapshot} {
			s.Put(&policy.VPC{Meta: policy.Meta{ID: "net"}, Name: "net", ProjectID: "p"})
			s.Put(&policy.Subnet{Meta: policy.Meta{ID: "lan"}, Name: "lan", VPCID: "net"})
			s.Put(&policy.Instance{Meta: policy.Meta{ID: "vm"}, Name: "vm", ProjectID: "p"})
		}
		for i := range policy.PreviewItems + 7 {
			id := fmt.Sprintf("port%03d", i)
			after.Snapshot.Put(&policy.Port{Meta: policy.Meta{ID: id}, InstanceID: "vm", SubnetID: "lan"})
		}
		preview := policy.PreviewOf(before.Snapshot, after.Snapshot, nil)
		require.Len(t, preview.Items, policy.PreviewItems)
		require.Equal(t, 7, preview.LeftOut)
		require.Equal(t, policy.FlipCount{Added: policy.PreviewItems + 7}, preview.Ingress)
		require.Equal(t, policy.PortID("port000"), preview.Items[0].PortID)
		require.Nil(t, preview.Items[0].Directions[0].Before)
	})
}

// BenchmarkPreview previews a change of profile in a VPC of 10,000 ports that have two of a thousand groups each, whose rules name
// each other.
func BenchmarkPreview(b *testing.B) {
	const ports, groups = 10_000, 1_000
	w := policytest.Empty()
	w.Snapshot.Put(&policy.VPC{Meta: policy.Meta{ID: "net"}, Name: "net", ProjectID: "p"})
	w.Snapshot.Put(&policy.Subnet{Meta: policy.Meta{ID: "lan"}, Name: "lan", VPCID: "net", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for i := range groups {
		id := fmt.Sprint("g", i)
		w.Snapshot.Put(&policy.Group{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p", Evaluation: policy.Union})
	}
	for i := range groups {
		w.Snapshot.Put(&policy.Rule{Meta: policy.Meta{ID: fmt.Sprint("r", i)}, GroupID: policy.GroupID(fmt.Sprint("g", i)), Direction: policy.Ingress, Protocol: policy.TCP,
			Remote: policy.Remote{GroupID: policy.GroupID(fmt.Sprint("g", (i+1)%groups))}, Action: policy.Allow})
	}
	for i := range ports {
		id := fmt.Sprint("vm", i)
		w.Snapshot.Put(&policy.Instance{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p",
			SecurityGroupIDs: []policy.GroupID{policy.GroupID(fmt.Sprint("g", i%groups)), policy.GroupID(fmt.Sprint("g", (i*7+1)%groups))}})
		w.Snapshot.Put(&policy.Port{Meta: policy.Meta{ID: id}, InstanceID: policy.InstanceID(id), SubnetID: "lan",
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})}})
	}
	b.Run("clone", func(b *testing.B) {
		for b.Loop() {
			w.Snapshot.Clone()
		}
	})
	after := w.Snapshot.Clone()
	vpc, _ := policy.Find[*policy.VPC](after, "net")
	changed := *vpc
	changed.Profile = policy.ProfileOpenUntilRuled
	after.Put(&changed)
	b.Run("preview", func(b *testing.B) {
		for b.Loop() {
			require.Equal(b, ports, policy.PreviewOf(w.Snapshot, after, nil).Ports)
		}
	})
}
