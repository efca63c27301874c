package store

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"conjunct/policy"
)

// step is one Put or Delete of a transaction.
type step struct {
	put    policy.Object
	delete key
}

func (s step) String() string {
	if s.put == nil {
		return "delete " + s.delete.String()
	}
	b, _ := encode(s.put)
	return "put " + keyOf(s.put).String() + " " + string(b)
}

// drawObject makes an object of a world of few ids and names, so that they meet; much of it is not valid.
func drawObject(t *rapid.T) policy.Object {
	id := rapid.SampledFrom([]string{"a", "b", "c"})
	n := rapid.IntRange(0, 3)
	gid := func(label string) policy.GroupID { return policy.GroupID(id.Draw(t, label)) }
	kinds := []policy.Kind{policy.KindProject, policy.KindVPC, policy.KindSubnet, policy.KindInstance, policy.KindPort, policy.KindGroup,
		policy.KindRule, policy.KindAttachment, policy.KindIPSet, policy.KindEntry, policy.KindGroup, policy.KindRule}
	o := rapid.SampledFrom(kinds).Draw(t, "kind").New()
	o.Base().ID = id.Draw(t, "id")
	name := id.Draw(t, "name")
	var owner policy.ProjectID
	if rapid.Bool().Draw(t, "owned") {
		owner = policy.ProjectID(id.Draw(t, "project"))
	}
	switch o := o.(type) {
	case *policy.Project:
		o.Name = name
	case *policy.VPC:
		o.Name = name
	case *policy.Subnet:
		*o = *subnet(o.ID, id.Draw(t, "vpc"), n.Draw(t, "vlan"), fmt.Sprintf("10.%d.0.0/%d", n.Draw(t, "net"), 15+n.Draw(t, "bits")%2))
		o.CIDRs[0] = o.CIDRs[0].Masked()
	case *policy.Instance:
		o.Name, o.ProjectID, o.SecurityGroupIDs = name, policy.ProjectID(id.Draw(t, "project")), []policy.GroupID{gid("group")}
	case *policy.Port:
		*o = *port(o.ID, id.Draw(t, "instance"), n.Draw(t, "n"))
		o.SubnetID = policy.SubnetID(id.Draw(t, "subnet"))
		o.Addresses[0] = netip.AddrFrom4([4]byte{10, byte(n.Draw(t, "net")), 0, byte(n.Draw(t, "host"))})
	case *policy.Group:
		o.Name, o.ProjectID, o.Evaluation = name, owner, policy.Union
	case *policy.Rule:
		*o = *rule(o.ID, id.Draw(t, "group"), 1+n.Draw(t, "port"), policy.Remote{GroupID: gid("remote")})
	case *policy.Attachment:
		o.GroupID, o.Target = gid("group"), policy.Target{SubnetID: policy.SubnetID(id.Draw(t, "subnet"))}
	case *policy.IPSet:
		o.Name, o.ProjectID, o.IPVersion = name, owner, 4+n.Draw(t, "version")/3*2
	case *policy.Entry:
		*o = *entry(o.ID, id.Draw(t, "set"), fmt.Sprintf("192.0.%d.0/24", n.Draw(t, "net")))
	}
	return o
}

func drawStep(t *rapid.T) step {
	o := drawObject(t)
	if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
		return step{delete: keyOf(o)}
	}
	return step{put: o}
}

// foretell does a transaction on a plain snapshot: writes, then looks through everything for what is not allowed. It has no index, and is
// what the store has to agree with.
func foretell(before *policy.Snapshot, steps []step) (after *policy.Snapshot, allowed bool) {
	after = before.Clone()
	var remove func(k key) bool
	remove = func(k key) bool {
		for _, kind := range policy.Kinds() {
			for _, o := range objects(after, kind) {
				if by, ok := fieldOf(o, owners); ok && by == k {
					remove(keyOf(o))
				}
			}
		}
		return after.Delete(k.kind, k.id)
	}
	for _, s := range steps {
		if s.put == nil {
			if !remove(s.delete) {
				return after, false
			}
			continue
		}
		o := s.put.Clone()
		policy.Normalize(o, after)
		was, _ := before.Get(o.Kind(), o.Base().ID)
		inherit(o, was)
		after.Put(o)
	}
	claims := make(map[string]bool)
	for _, kind := range policy.Kinds() {
		for _, o := range objects(after, kind) {
			for _, u := range policy.Uniques(o) {
				claim := u.Scope + " is " + u.Value
				if claims[claim] {
					return after, false
				}
				claims[claim] = true
			}
			for _, r := range o.References() {
				if _, ok := after.Get(r.Kind, r.ID); !ok {
					return after, false
				}
			}
			was, _ := before.Get(kind, o.Base().ID)
			if was != nil {
				if unchanged, _ := same(was, o); unchanged {
					continue
				}
			}
			if len(policy.Validate(o, after)) > 0 || len(policy.Conflicts(was, o, after)) > 0 {
				return after, false
			}
		}
	}
	return after, true
}

func objects(s *policy.Snapshot, kind policy.Kind) (out []policy.Object) {
	for o := range s.All(kind) {
		out = append(out, o)
	}
	return out
}

// content is what a snapshot says, without what the store alone sets.
func content(t *rapid.T, s *policy.Snapshot) map[string]string {
	out := make(map[string]string)
	for _, kind := range policy.Kinds() {
		for o := range s.All(kind) {
			o = o.Clone()
			inherit(o, nil)
			b, err := encode(o)
			require.NoError(t, err)
			out[keyOf(o).String()] = string(b)
		}
	}
	return out
}

// Whatever is asked of it, in whatever order and from whichever of two processes: the store allows just what the plain reading allows,
// holds just that afterwards, and its index keys say the same as its objects.
func TestStoreAgreesWithThePlainReading(t *testing.T) {
	allowedOnes, refusedOnes := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		prefix := freshPrefix()
		var s [2]*Store
		for i := range s {
			var err error
			s[i], err = New(t.Context(), inside.client, Options{Prefix: prefix})
			require.NoError(t, err)
			defer s[i].Close()
		}
		_, err := s[0].Update(t.Context(), play(world()))
		require.NoError(t, err)
		for range rapid.IntRange(1, 25).Draw(t, "transactions") {
			by := rapid.IntRange(0, 1).Draw(t, "process")
			require.NoError(t, s[by].mirror.wait(t.Context(), s[1-by].Revision()))
			var before *policy.Snapshot
			s[by].View(func(v *policy.Snapshot) { before = v.Clone() })
			steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 4).Draw(t, "steps")
			expected, allowed := foretell(before, steps)

			dry := s[by].DryRun(t.Context(), play(steps))
			rev, err := s[by].Update(t.Context(), play(steps))
			require.Equal(t, allowed, err == nil, "%v: %v", steps, err)
			require.Equal(t, fmt.Sprint(err), fmt.Sprint(dry), "a dry run says the same")
			if err != nil {
				refusedOnes++
				expected = before
				require.Equal(t, before.Revision, s[by].Revision())
			} else {
				allowedOnes++
				require.Equal(t, rev, s[by].Revision())
			}
			s[by].View(func(v *policy.Snapshot) {
				require.Equal(t, content(t, expected), content(t, v))
				require.Empty(t, sound(v))
			})
			found, err := s[by].Fsck(t.Context())
			require.NoError(t, err)
			require.Empty(t, found, strings.Join(found, "\n"))
		}
	})
	t.Logf("%d transactions allowed, %d refused", allowedOnes, refusedOnes)
	all := allowedOnes + refusedOnes
	require.Greater(t, allowedOnes, all/10, "the transactions have become too easy to refuse")
	require.Greater(t, refusedOnes, all/10, "the transactions have become too easy to allow")
}

func play(steps []step) func(policy.Tx) error {
	return func(tx policy.Tx) error {
		for _, s := range steps {
			var err error
			if s.put != nil {
				err = tx.Put(s.put)
			} else {
				err = tx.Delete(s.delete.kind, s.delete.id)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// sound lists what is wrong with any object of a snapshot, whenever it was written.
func sound(s *policy.Snapshot) (out []string) {
	for _, kind := range policy.Kinds() {
		for _, o := range objects(s, kind) {
			for _, f := range policy.Validate(o, s) {
				out = append(out, fmt.Sprintf("%s%s: %s", keyOf(o), f.Pointer, f.Message))
			}
		}
	}
	return out
}

// Transactions of two processes at once leave nothing behind that none of them alone could have left.
func TestTransactionsAtOnceKeepEveryRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := freshPrefix()
		var s [2]*Store
		for i := range s {
			var err error
			s[i], err = New(t.Context(), inside.client, Options{Prefix: prefix})
			require.NoError(t, err)
			defer s[i].Close()
		}
		_, err := s[0].Update(t.Context(), play(world()))
		require.NoError(t, err)
		require.NoError(t, s[1].mirror.wait(t.Context(), s[0].Revision()))
		transactions := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(drawStep), 1, 3), 4, 40).Draw(t, "transactions")
		for _, err := range together(4, func(i int) error {
			for n := i; n < len(transactions); n += 4 {
				if _, err := s[i%2].Update(t.Context(), play(transactions[n])); errors.Is(err, policy.ErrUnavailable) {
					return err
				}
			}
			return nil
		}) {
			require.NoError(t, err)
		}
		newest := max(s[0].Revision(), s[1].Revision())
		for _, s := range s {
			require.NoError(t, s.mirror.wait(t.Context(), newest))
			s.View(func(v *policy.Snapshot) { require.Empty(t, sound(v)) })
			found, err := s.Fsck(t.Context())
			require.NoError(t, err)
			require.Empty(t, found)
		}
	})
}

// world is where the random transactions begin.
func world() (out []step) {
	for _, o := range []policy.Object{
		project("a"), project("b"), vpc("a"), vpc("b"), subnet("a", "a", 0, "10.0.0.0/16"), group("a"), group("b"), ipset("a"),
		&policy.Instance{Meta: policy.Meta{ID: "a"}, Name: "a", ProjectID: "a", SecurityGroupIDs: []policy.GroupID{"a"}},
	} {
		out = append(out, step{put: o})
	}
	return out
}
