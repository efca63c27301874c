package flows

import (
	"conjunct/openflow"
	"conjunct/policy"
)

// place is where rules of a direction have their flows: in the table of unions, or in that of ordered groups at the priority of
// their run. Rules of a place share components, also those of several groups, whose runs may have different actions: a packet meets the
// flows of one group at a time, which are of one effect.
type place struct {
	dir policy.Direction
	run uint16 // 0: union
}

func (a *activeRule) place() place { return place{a.Direction, a.Run} }

func (p place) table() uint8 {
	if p.run > 0 {
		return sides[p.dir].order
	}
	return sides[p.dir].rules
}

func (p place) conjunctions() uint16 {
	if p.run > 0 {
		return PriorityFirstRun - 2*(p.run-1)
	}
	return PriorityConjunction
}

func (p place) plains() uint16 {
	if p.run > 0 {
		return p.conjunctions() + 1
	}
	return PriorityPlain
}

// verdict is what the rule sets when it matches.
func (a *activeRule) verdict() openflow.Action {
	switch {
	case a.Run == 0:
		return setVerdict(VerdictUnionAllow)
	case a.Drop:
		return setVerdict(VerdictOrderedDrop)
	}
	return setVerdict(VerdictOrderedAllow)
}
