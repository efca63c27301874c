package referee

import (
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/flows/flowstest"
	"conjunct/policy/policytest"
)

func TestReferee(t *testing.T) {
	tr := NewTracer(t, nil)
	var all policytest.Tried
	for seed := range uint64(50) {
		w := policytest.New(seed)
		b, err := flowstest.NewBench(w, nil)
		require.NoError(t, err)
		tr.Load(w)
		for range 50 {
			q := w.Question()
			for _, ask := range []func(policytest.Question) (policytest.Tried, *policytest.Disagreement){b.Ask, tr.Ask} {
				n, d := ask(q)
				if d != nil {
					t.Fatalf("seed %d: %+v\n%s", seed, q, d)
				}
				all.Packets += n.Packets
				all.Passed += n.Passed
			}
		}
		b.Switch.Close()
	}
	t.Log(all)
}
