package policy

// TierTracking is where packets that return are matched with what was opened.
const TierTracking Tier = "connection tracking"

// Stage is one step of the evaluation at a port, in the order in which they are taken. The last one decides.
type Stage struct {
	Tier  Tier
	Group *Group // of an ordered or union stage
	// Rules is how many rules of the group were for the direction.
	Rules int
	// Passed tells that the packet went on to the next stage, or passes when it is the last.
	Passed bool
}

// stages retraces a decision: what comes before the tier that decided had nothing to say.
func (s *Snapshot) stages(v *PortView, d Direction, c Connection, decision Decision) []Stage {
	var out []Stage
	add := func(tier Tier, g *Group, rules int) (last bool) {
		last = decision.Tier == tier && (g == nil || decision.Group == g)
		out = append(out, Stage{Tier: tier, Group: g, Rules: rules, Passed: !last || decision.Allowed})
		return last
	}
	if d == Egress && (decision.Tier == TierAntiSpoofing || v.Owns(c.Src)) && add(TierAntiSpoofing, nil, 0) {
		return out
	}
	if add(TierPlatform, nil, 0) {
		return out
	}
	for _, turn := range []struct {
		evaluation Evaluation
		tier       Tier
	}{{Ordered, TierOrdered}, {Union, TierUnion}} {
		for _, g := range v.Groups {
			if g.Evaluation != turn.evaluation {
				continue
			}
			rules := 0
			for _, r := range s.RulesOf(GroupID(g.ID)) {
				if r.Direction == d {
					rules++
				}
			}
			if add(turn.tier, g, rules) {
				return out
			}
		}
	}
	out = append(out, Stage{Tier: TierProfile, Passed: decision.Allowed})
	return out
}
