package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/policy"
)

func newTiers(t *testing.T) *cloud.Tiers {
	if err := lab.Usable(); err != nil {
		t.Skip(err)
	}
	return cloud.NewTiers(func() *cloud.Cloud {
		return cloud.New(t, cloud.Options{Daemon: daemon, CLI: client, Hypervisors: []string{"hv1", "hv2"}})
	}, "../examples", nil)
}

// TestA128_A015_FourTiers applies the worked example and sends every pair of hosts every service, in both families.
func TestA128_A015_FourTiers(t *testing.T) {
	x := newTiers(t)
	x.ApplyTiers()
	x.Serve(cloud.TiersServices)
	for family, want := range map[int]cloud.Matrix{4: cloud.TiersAllowed, 6: cloud.TiersAllowed6} {
		got := x.Measure(family, cloud.TiersHosts, cloud.TiersHosts, cloud.TiersServices)
		sameMatrix(t, want, got, cloud.TiersHosts, cloud.TiersHosts)
	}
}

func sameMatrix(t *testing.T, want, got cloud.Matrix, from, to []string) {
	t.Helper()
	for _, pair := range got.Differences(want, from, to) {
		t.Errorf("%s → %s: %q answered, want %q", pair[0], pair[1], got[pair[0]][pair[1]], want[pair[0]][pair[1]])
	}
}

// TestProfiles switches a live VPC through all profiles: the same manifest and the same VMs, and what each of the five clouds means by
// them.
func TestProfiles(t *testing.T) {
	x := newTiers(t)
	x.ApplyTiers()
	x.AddPlain(nil)
	x.Serve(cloud.ProfileServices)
	for _, p := range []struct {
		proves  string
		profile policy.ProfileName
	}{
		{"A-073", policy.ProfileIsolated}, {"A-074", policy.ProfileSubnetTrust}, {"A-006 without any group nothing passes:", policy.ProfileOrdered},
		{"A-075 A-082", policy.ProfileVPCLocked}, {"A-072 A-083 A-010 A-011", policy.ProfileOpenUntilRuled}, {"A-073 and back:", policy.ProfileIsolated},
	} {
		t.Run(p.proves+" "+string(p.profile), func(t *testing.T) {
			x.SetProfile(p.profile)
			got := x.Measure(4, cloud.ProfileSenders, cloud.ProfileReceivers, cloud.ProfileServices)
			sameMatrix(t, cloud.ProfileMatrices[p.profile], got, cloud.ProfileSenders, cloud.ProfileReceivers)
		})
	}
}

// TestFlowsReadAlike holds what `conjunct flows` prints against what ovs-ofctl dumps from the bridge: the same lines, but for the
// comments that name rules and ports.
func TestFlowsReadAlike(t *testing.T) {
	c := newTiers(t)
	c.ApplyTiers()
	for _, hv := range []string{"hv1", "hv2"} {
		var ours, installed []string
		comments := 0
		for line := range strings.Lines(c.Conjunct("flows", hv)) {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, "#"):
				comments++
			case line != "":
				ours = append(ours, line)
			}
		}
		for line := range strings.Lines(c.Hypervisor(hv).DumpFlows()) {
			installed = append(installed, strings.TrimSpace(line))
		}
		slices.Sort(ours)
		slices.Sort(installed)
		require.Equal(t, installed, ours, hv)
		require.Positive(t, comments)
		require.Contains(t, c.Conjunct("flows", hv), map[string]string{"hv1": "allowHTTPInbound", "hv2": "allow3306AppInbound"}[hv], "rules are named")
		c.Conjunct("diff", hv) // fails when the bridge differs
	}
}
