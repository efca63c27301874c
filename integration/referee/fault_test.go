package referee

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/flows/flowstest"
	"conjunct/openflow"
)

// without drops the flows that match.
func without(gone func(openflow.Flow) bool) flowstest.Tamper {
	return func(all []openflow.Flow) []openflow.Flow { return slices.DeleteFunc(all, gone) }
}

// changed changes flows.
func changed(change func(*openflow.Flow)) flowstest.Tamper {
	return func(all []openflow.Flow) []openflow.Flow {
		for i := range all {
			change(&all[i])
		}
		return all
	}
}

func text(f openflow.Flow) string { return f.String() }

// faults are what could be wrong with a pipeline, each with how many objects it takes at most to show it.
var faults = map[string]struct {
	tamper  flowstest.Tamper
	objects int
}{
	"ranges of ports lose a block": {without(func(f openflow.Flow) bool {
		return strings.Contains(text(f), "ct_tp_dst=") && strings.Contains(text(f), "/0xfffe")
	}), 10},
	"an ordered group's drop allows": {changed(func(f *openflow.Flow) {
		for i, a := range f.Actions {
			if set, ok := a.(openflow.SetField); ok && (f.Table == flows.TableEgressOrder || f.Table == flows.TableIngrOrder) && set.Value.Uint64() == flows.VerdictOrderedDrop {
				f.Actions = slices.Clone(f.Actions)
				f.Actions[i] = openflow.SetMasked(flows.RegVerdict, flows.VerdictOrderedAllow, flows.VerdictOrderedAllow)
			}
		}
	}), 10},
	"the runs of an ordered group are the wrong way round": {changed(func(f *openflow.Flow) {
		if (f.Table == flows.TableEgressOrder || f.Table == flows.TableIngrOrder) && f.Priority < flows.PriorityDecided {
			f.Priority = 2*flows.PriorityFirstRun - f.Priority
		}
	}), 11},
	"replies over SCTP are not known": {without(func(f openflow.Flow) bool {
		return strings.Contains(text(f), "sctp") && strings.Contains(text(f), "+rpl")
	}), 10},
	"a member in another VPC is one": {changed(func(f *openflow.Flow) { f.Match = anyVPC(f) }), 16},
	"the guard of SMTP is missing": {without(func(f openflow.Flow) bool {
		return f.Priority == flows.PriorityGuard && strings.Contains(text(f), "ct_tp_dst=25")
	}), 8},
	"a stolen source address passes": {changed(func(f *openflow.Flow) { f.Match = anySource(f) }), 8},
	"prefixes of sets are not the longest": {changed(func(f *openflow.Flow) {
		if f.Table == flows.TableIngrSet || f.Table == flows.TableEgressSet {
			f.Priority = 1000 - f.Priority
		}
	}), 15},
}

// anyVPC is the match of an address of a group without its VPC.
func anyVPC(f *openflow.Flow) openflow.Match {
	if f.Table != flows.TableIngrGroup && f.Table != flows.TableEgressGroup {
		return f.Match
	}
	return f.Match.Without(flows.RegVPC)
}

// anySource is the match of what a port may send without the address.
func anySource(f *openflow.Flow) openflow.Match {
	if f.Table != flows.TableAntiSpoof || f.Goto != flows.TableSenderCT {
		return f.Match
	}
	return f.Match.Without(openflow.IPv4Src, openflow.IPv6Src)
}

// TestReferee_FindsFaults plants each fault into one of the switches: it is found, and made small.
func TestReferee_FindsFaults(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			for _, r := range []Run{
				{Worlds: 150, Questions: 60, FakeFault: fault.tamper},
				{Worlds: 150, Questions: 60, Switches: 1, RealFault: fault.tamper},
			} {
				found := r.Do(t).Found
				require.NotNil(t, found, "the fault is not seen")
				t.Log(found)
				require.LessOrEqual(t, strings.Count(found.Case.String(), "\n"), fault.objects, "%s", found.Case)
			}
		})
	}
}
