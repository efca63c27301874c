package flows

import (
	"conjunct/openflow"
	"conjunct/policy"
)

// classFlows is what holds for a class of local ports without any rule: the profile's openings, the SMTP guard, and the turns of its
// ordered groups.
func (h *Host) classFlows(c LocalClass) []openflow.Flow {
	number := h.local.number(c)
	if number == 0 {
		return nil
	}
	class := openflow.Exact(RegLocalClass, uint64(number))
	var out []openflow.Flow
	for _, d := range policy.Directions {
		if c.Open(d) {
			out = append(out, openflow.Flow{
				Table: sides[d].rules, Priority: PriorityOpen, Cookie: Cookie(CookieProfile, 0), Match: openflow.NewMatch(class),
				Actions: []openflow.Action{setVerdict(VerdictUnionAllow)},
			})
		}
	}
	if c.Ordered != "" {
		for _, d := range policy.Directions {
			out = append(out, openflow.Flow{
				Table: sides[d].turns, Priority: PriorityConjunction, Cookie: Cookie(CookiePipeline, 0), Match: openflow.NewMatch(class),
				Actions: turns(c.Ordered, sides[d].order),
			})
		}
	}
	if c.Guard {
		guard := policy.Platform("smtp-guard")
		for _, f := range []int{4, 6} {
			out = append(out, openflow.Flow{
				Table: TableEgressTurns, Priority: PriorityGuard, Cookie: Cookie(CookiePlatform, guard.Number), Flags: tellsCounts,
				Match: openflow.NewMatch(class, valid, family(f), openflow.Exact(openflow.CTNwProto, uint64(guard.Protocol)),
					openflow.Exact(openflow.CTTpDst, uint64(guard.DstPort))),
				Actions: []openflow.Action{setVerdict(VerdictPlatformDrop)},
			})
		}
	}
	return out
}

// turns asks one ordered group after the other.
func turns(groups Turns, table uint8) (out []openflow.Action) {
	for g := range groups.All() {
		out = append(out, openflow.Set(RegPass, uint64(g)), openflow.Resubmit{Table: table})
	}
	return out
}

func setVerdict(bit uint64) openflow.Action { return openflow.SetMasked(RegVerdict, bit, bit) }
