package controller

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"conjunct/members"
	"conjunct/policy"
)

// The members of groups are mirrored as they come and go, and groups with them.
func TestMirror(t *testing.T) {
	redis := miniredis.RunT(t)
	mirror, err := members.NewMirror(members.Options{URL: "redis://" + redis.Addr(), Log: testLog(t)})
	require.NoError(t, err)
	st := openStore(t)
	put(t, st, append(basics(), vm("vm1", 1, "web")...)...)
	_, stop := start(t, Options{Store: st, Mirror: mirror})
	has := func(group string, want ...string) {
		t.Helper()
		eventually(t, func() bool {
			got, _ := redis.SMembers(members.MemberKey(policy.GroupID(group), 4))
			return len(got) == len(want) && (len(want) == 0 || got[0] == want[0])
		}, group)
	}
	has("web", "10.0.0.1")
	put(t, st, vm("vm2", 2, "web")...)
	has("web", "10.0.0.1", "10.0.0.2")
	erase(t, st, policy.KindPort, "vm1")
	has("web", "10.0.0.2")
	put(t, st, &policy.Group{Meta: policy.Meta{ID: "more"}, Name: "more", ProjectID: "p"})
	put(t, st, vm("vm2", 2, "web", "more")...)
	has("more", "10.0.0.2")
	put(t, st, vm("vm2", 2, "web")...)
	has("more")
	stop()
}
