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
	for i := range policy.PlatformRules {
		if r := &policy.PlatformRules[i]; r.Judged && c.has(r.Switch) {
			out = append(out, judgedFlows(r, class)...)
		}
	}
	return out
}

// has reports whether the profile of the class' ports has the switch on.
func (c LocalClass) has(s policy.PlatformSwitch) bool {
	return map[policy.PlatformSwitch]bool{policy.SwitchSMTPGuard: c.Guard, policy.SwitchMetadataRules: c.Metadata}[s]
}

// judgedFlows are those of a platform rule that decides about connections, for a class of local ports. They stand where the ordered
// groups have their turns, above them: what they decide, no group is asked about.
func judgedFlows(r *policy.PlatformRule, class openflow.MatchField) (out []openflow.Flow) {
	s := sides[r.Direction]
	for _, f := range []int{4, 6} {
		if r.Family != 0 && r.Family != f {
			continue
		}
		verdict := VerdictPlatformDrop
		to := openflow.NewMatch(valid, family(f))
		if r.Dst.IsValid() {
			to = s.remoteMatch(r.Dst)
		}
		to = to.With(class, openflow.Exact(openflow.CTNwProto, uint64(r.Protocol)))
		matches := []openflow.Match{to.With(openflow.Exact(openflow.CTTpDst, uint64(r.DstPort)))}
		if r.Action == policy.Allow {
			verdict = VerdictPlatformAllow
			matches = append(matches, to.With(later)) // They carry no ports; without the first they are nothing.
		}
		for _, m := range matches {
			out = append(out, openflow.Flow{
				Table: s.turns, Priority: PriorityGuard, Cookie: Cookie(CookiePlatform, r.Number), Flags: tellsCounts,
				Match: m, Actions: []openflow.Action{setVerdict(uint64(verdict))},
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
