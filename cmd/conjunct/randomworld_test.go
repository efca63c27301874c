package main

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
	"conjunct/policy/policytest"
)

// load stores the objects of a random world in one transaction, but for what a store doesn't take twice. A rule of an ordered group
// that has no position gets one behind the others, as the API would give it.
func (w *world) load(from *policy.Snapshot) {
	type entry struct {
		set  policy.IPSetID
		cidr policy.CIDR
	}
	held := make(map[entry]bool)
	attached := make(map[string]bool)
	behind := 10_000
	_, err := w.store.Update(w.Context(), func(tx policy.Tx) error {
		for _, k := range policy.Kinds() {
			for _, o := range slices.SortedFunc(from.All(k), func(a, b policy.Object) int { return cmp.Compare(a.Base().ID, b.Base().ID) }) {
				o = o.Clone()
				switch o := o.(type) {
				case *policy.Profile:
					if _, is := policy.Preset(policy.ProfileName(o.ID)); is {
						continue
					}
				case *policy.Entry:
					e := entry{o.IPSetID, o.CIDR}
					if held[e] {
						continue
					}
					held[e] = true
				case *policy.Attachment:
					what := fmt.Sprint(o.GroupID, o.Target.SubnetID, o.Target.VPCID, o.Target.CIDR, o.Target.Tag)
					if o.Target.InstanceID != "" || o.Target.PortID != "" || attached[what] {
						continue // The API writes those to instances and ports into these.
					}
					attached[what] = true
				case *policy.Rule:
					if g, _ := policy.Find[*policy.Group](from, o.GroupID); g.Evaluation == policy.Ordered && o.Position == nil {
						behind++
						o.Position = new(behind)
					}
				}
				if err := tx.Put(o); err != nil {
					return err
				}
			}
		}
		return nil
	})
	require.NoError(w, err)
}

// decisions are the answers of the policy in the world to questions about its ports.
func (w *world) decisions(questions []policytest.Question) (out []string) {
	w.store.View(func(s *policy.Snapshot) {
		for _, q := range questions {
			d, ok := policy.Decide(s, q.Port, q.Direction, q.Connection)
			if !ok {
				out = append(out, "no port "+string(q.Port))
				continue
			}
			group := ""
			if d.Group != nil {
				group = d.Group.Name
			}
			out = append(out, fmt.Sprintf("%s %s %+v: %v %s %s", q.Port, q.Direction, q.Connection, d.Allowed, d.Tier, group))
		}
	})
	return out
}

// TestA053_A126_ARandomModelIsTheSameAfterItWasWrittenAndRead writes random worlds as manifests and applies them to empty installations:
// the text is the same again, and so is the policy's answer to every question.
func TestA053_A126_ARandomModelIsTheSameAfterItWasWrittenAndRead(t *testing.T) {
	const seeds, questions = 20, 200
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := policytest.New(seed)
			from := newWorldUnder(t, random.Snapshot.DefaultProfile)
			from.load(random.Snapshot)
			asked := make([]policytest.Question, questions)
			for i := range asked {
				asked[i] = random.Question()
			}

			text := from.must("get", "all", "-o", "yaml")
			require.Regexp(t, `^\d+ unchanged$`, from.applied(text))

			to := newWorldUnder(t, random.Snapshot.DefaultProfile)
			require.Regexp(t, `^\d+ created$`, to.applied(text))
			sameLines(t, text, to.must("get", "all", "-o", "yaml"))
			require.Equal(t, from.decisions(asked), to.decisions(asked))
		})
	}
}
