package policy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The order of an instance's groups is that of their evaluation; judging it must not change it.
func TestConflictsLeaveTheOrderOfGroups(t *testing.T) {
	s := town()
	ins := &Instance{Meta: Meta{ID: "i"}, Name: "i", ProjectID: "p1", SecurityGroupIDs: []GroupID{"ordered", "g", "global"}}
	s.Put(ins)
	require.Empty(t, Conflicts(nil, ins, s))
	require.Equal(t, []GroupID{"ordered", "g", "global"}, ins.SecurityGroupIDs)
}

func TestConflictsNameTheObjectThatIsRefused(t *testing.T) {
	s := town()
	s.Put(&Entry{Meta: Meta{ID: "e"}, IPSetID: "set4"})
	before, _ := Find[*IPSet](s, "set4")
	after := before.Clone().(*IPSet)
	after.IPVersion = 6
	found := Conflicts(before, after, s)
	require.Len(t, found, 1)
	require.Equal(t, "ip-set-version-frozen", found[0].Code)
	require.Equal(t, HolderOf(after), found[0].Object)
}
