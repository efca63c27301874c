package referee

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"conjunct/flows/flowstest"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

// Run is a run of the referee: Worlds worlds from the seed First on, Questions about each, Switches real switches side by side; with
// none the fake switch is asked alone.
type Run struct {
	Worlds, Questions, Switches int
	First                       uint64
	// FakeFault and RealFault, where they are not nil, plant a fault in the flows of a switch.
	FakeFault, RealFault flowstest.Tamper
}

// Result is what a run has seen.
type Result struct {
	Asked, Allowed int // questions, and those that the policy answers with yes
	Fake, Real     policytest.Tried
	Coverage       policytest.Coverage
	// Found is the first disagreement, as small as it gets; nil when all agree.
	Found *Finding
}

// Finding is a case in which a switch does not what the policy says.
type Finding struct {
	policytest.Case
	*policytest.Disagreement
}

func (f *Finding) String() string {
	return fmt.Sprintf("seed %d, made small:\n\n%s\n\n%s\nthe whole world again: make referee SEED=%d WORLDS=1",
		f.World.Seed, f.Case, f.Disagreement, f.World.Seed)
}

// Do carries the run out, and ends it at the first disagreement.
func (r Run) Do(t testing.TB) *Result {
	var (
		mu   sync.Mutex
		out  Result
		next atomic.Int64
		stop atomic.Bool
		work sync.WaitGroup
	)
	for n := range max(1, r.Switches) {
		var tr *Tracer
		if n < r.Switches {
			tr = NewTracer(t, r.RealFault)
		}
		work.Go(func() {
			for n := next.Add(1); n <= int64(r.Worlds) && !stop.Load(); n = next.Add(1) {
				one, err := r.world(tr, r.First+uint64(n-1))
				mu.Lock()
				switch {
				case err != nil:
					stop.Store(true)
					t.Errorf("seed %d: %v", r.First+uint64(n-1), err)
				case one.Found != nil && out.Found == nil:
					stop.Store(true)
					out.Found = one.Found
				}
				out.add(one)
				if n%100 == 0 {
					t.Logf("%d of %d worlds, %d packets through the fake switch, %d traced by the real one", n, r.Worlds, out.Fake.Packets, out.Real.Packets)
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
	return &out
}

func (r *Result) add(other *Result) {
	if other == nil {
		return
	}
	r.Asked, r.Allowed = r.Asked+other.Asked, r.Allowed+other.Allowed
	r.Fake.Packets, r.Fake.Passed = r.Fake.Packets+other.Fake.Packets, r.Fake.Passed+other.Fake.Passed
	r.Real.Packets, r.Real.Passed = r.Real.Packets+other.Real.Packets, r.Real.Passed+other.Real.Passed
	r.Coverage.Add(&other.Coverage)
}

// world asks about one world.
func (r Run) world(tr *Tracer, seed uint64) (*Result, error) {
	w := policytest.New(seed)
	b, err := flowstest.NewBench(w, r.FakeFault)
	if err != nil {
		return nil, err
	}
	defer b.Switch.Close()
	if tr != nil {
		if err := tr.Load(w); err != nil {
			return nil, err
		}
	}
	var out Result
	for range r.Questions {
		q := w.Question()
		d, _ := policy.Decide(w.Snapshot, q.Port, q.Direction, q.Connection)
		out.Coverage.Note(w, q, d)
		out.Asked++
		if d.Allowed {
			out.Allowed++
		}
		fake, found := b.Ask(q)
		out.Fake.Packets, out.Fake.Passed = out.Fake.Packets+fake.Packets, out.Fake.Passed+fake.Passed
		if found != nil {
			out.Found = shrink(policytest.Case{World: w, Question: q}, func(c policytest.Case) *policytest.Disagreement { return askFake(c, r.FakeFault) })
			return &out, nil
		}
		if tr == nil {
			continue
		}
		traced, found, err := tr.Ask(q)
		if err != nil {
			return nil, err
		}
		out.Real.Packets, out.Real.Passed = out.Real.Packets+traced.Packets, out.Real.Passed+traced.Passed
		if found != nil {
			out.Found = shrink(policytest.Case{World: w, Question: q}, func(c policytest.Case) *policytest.Disagreement { return askReal(c, tr) })
			return &out, nil
		}
	}
	return &out, nil
}

func askFake(c policytest.Case, tamper flowstest.Tamper) *policytest.Disagreement {
	b, err := flowstest.NewBench(c.World, tamper)
	if err != nil {
		return nil
	}
	defer b.Switch.Close()
	_, d := b.Ask(c.Question)
	return d
}

func askReal(c policytest.Case, tr *Tracer) *policytest.Disagreement {
	if err := tr.Load(c.World); err != nil {
		return nil
	}
	_, d, err := tr.Ask(c.Question)
	if err != nil {
		return nil
	}
	return d
}

// shrink makes the case small while the same packet is passed, or refused, against the policy.
func shrink(c policytest.Case, ask func(policytest.Case) *policytest.Disagreement) *Finding {
	first := ask(c)
	if first == nil { // It takes the questions before.
		return &Finding{c, &policytest.Disagreement{Packet: "what only happens after other packets; its trace is lost", By: "a switch"}}
	}
	small := policytest.Shrink(c, func(c policytest.Case) bool {
		d := ask(c)
		return d != nil && d.Packet == first.Packet && d.Policy == first.Policy
	})
	return &Finding{small, ask(small)}
}
