package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// A restart with another profile for the installation gives projects and shared VPCs the default groups that it wants, once.
func TestDefaultGroupsFollowTheInstallation(t *testing.T) {
	dir := t.TempDir()
	start := func(profile policy.ProfileName) *Store {
		s, err := Open(t.Context(), Options{Dir: dir, DefaultProfile: profile})
		require.NoError(t, err)
		t.Cleanup(func() { s.Close() })
		return s
	}
	names := func(s *Store) (out []string) {
		s.View(func(v *policy.Snapshot) {
			for _, g := range policy.List[*policy.Group](v, nil) {
				out = append(out, string(g.ProjectID)+string(g.VPCID)+"/"+g.Name)
			}
		})
		return out
	}
	s := start(policy.ProfileOrdered)
	own := vpc("own")
	own.ProjectID = "p"
	mustUpdate(t, s, put(project("p"), own, vpc("shared")))
	mustUpdate(t, s, policy.RestoreDefaults)
	require.Empty(t, names(s))
	s.Close()

	s = start(policy.ProfileVPCLocked)
	before := s.Revision()
	mustUpdate(t, s, policy.RestoreDefaults)
	require.ElementsMatch(t, []string{"pown/default", "shared/default"}, names(s))
	require.Greater(t, s.Revision(), before)
	before = s.Revision()
	mustUpdate(t, s, policy.RestoreDefaults)
	require.Equal(t, before, s.Revision(), "a second time there is nothing to do")
	s.Close()

	s = start(policy.ProfileSubnetTrust)
	mustUpdate(t, s, policy.RestoreDefaults)
	require.ElementsMatch(t, []string{"pown/default", "shared/default", "p/default"}, names(s))
}
