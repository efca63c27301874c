package flows

import (
	"conjunct/openflow"
	"conjunct/policy"
)

// Priorities of tables other than the rules'.
const (
	priorityDrop     uint16 = 0
	priorityTrack    uint16 = 10
	priorityDirect   uint16 = 50
	priorityJudge    uint16 = 50
	prioritySource   uint16 = 90 // table 10: IP from the port's own addresses
	priorityVerdict  uint16 = 90
	priorityRefused  uint16 = 80
	priorityPort     uint16 = 100
	priorityInvalid  uint16 = 100
	priorityFragment uint16 = 90  // tables 21, 28 and their twins: fragments go their own way
	priorityUntruth  uint16 = 100 // table 10: ND that no flow above took is a lie
	priorityDiscover uint16 = 110 // table 10: ARP, ND, MLD and DHCP of the port itself
	priorityForbid   uint16 = 120 // table 10: what no VM may send
	priorityRole     uint16 = 130 // table 10: unless its role says so
	priorityOwn      uint16 = 200 // tables 40, 50: a flood does not come back
)

var (
	zoneOfSource = openflow.Low(RegSource, 16)
	zoneOfDest   = openflow.Low(RegDest, 16)
)

// pipeline is what every bridge has, whatever the ports: tracking, judging, verdicts, the platform's tier, and the misses.
func pipeline() []openflow.Flow {
	var out []openflow.Flow
	add := func(table uint8, priority uint16, m openflow.Match, next uint8, actions ...openflow.Action) {
		out = append(out, openflow.Flow{Table: table, Priority: priority, Cookie: Cookie(CookiePipeline, 0), Match: m, Actions: actions, Goto: next})
	}
	for _, j := range []struct {
		track, judge, done, noted, whose, next uint8
		zone                                   openflow.Subfield
		own, other                             side
	}{
		{
			TableSenderCT, TableSenderJudge, TableSenderDone, TableSenderNoted, TableSenderWhose, TableDestination,
			zoneOfSource, sides[policy.Egress], sides[policy.Ingress],
		},
		{
			TableReceiverCT, TableRecvJudge, TableRecvDone, TableRecvNoted, TableRecvWhose, TableOutput,
			zoneOfDest, sides[policy.Ingress], sides[policy.Egress],
		},
	} {
		add(j.judge, priorityInvalid, openflow.NewMatch(openflow.Masked(openflow.CTState, openflow.CTTracked|openflow.CTInvalid, openflow.CTTracked|openflow.CTInvalid)), 0)
		for _, f := range []int{4, 6} {
			add(j.track, priorityTrack, openflow.NewMatch(family(f)), 0, openflow.CT{ZoneSrc: j.zone, Table: j.judge})
			add(j.judge, priorityFragment, openflow.NewMatch(family(f), anyFragment, openflow.Masked(RegVerdict, 0, fragmentOurs)), j.whose)
			add(j.noted, priorityFragment, openflow.NewMatch(family(f), anyFragment), 0, judgeAgain(j.judge)...)
			add(j.noted, priorityTrack, openflow.NewMatch(family(f)), j.next)
			add(j.judge, priorityJudge, openflow.NewMatch(state(0, openflow.CTReply), family(f)), 0, judgeBy(j.own, j.done)...)
			add(j.judge, priorityJudge, openflow.NewMatch(state(openflow.CTReply, openflow.CTReply), family(f)), 0, judgeBy(j.other, j.done)...)
			for _, allowed := range []openflow.MatchField{
				openflow.Masked(RegVerdict, VerdictOrderedAllow, VerdictOrderedAllow|VerdictPlatformDrop),
				openflow.Masked(RegVerdict, VerdictUnionAllow, VerdictUnionAllow|VerdictOrderedDrop|VerdictPlatformDrop),
			} {
				begins := state(openflow.CTNew, openflow.CTNew|openflow.CTRelated)
				allowedNow := allowed
				allowedNow.Mask = allowed.Mask.Or(openflow.BitsUint64(fragmentNoted))
				add(j.done, priorityVerdict+10, openflow.NewMatch(allowedNow, begins, family(f)), 0,
					openflow.CT{Commit: true, ZoneSrc: j.zone, Table: j.noted})
				add(j.done, priorityVerdict, openflow.NewMatch(allowed, family(f)), j.next)
			}
		}
		for _, refused := range []uint64{VerdictPlatformDrop, VerdictOrderedDrop} { // apart from what no rule speaks of: they are counted
			add(j.done, priorityRefused, openflow.NewMatch(openflow.Masked(RegVerdict, refused, refused|VerdictPlatformDrop)), 0)
		}
	}
	for _, d := range policy.Directions {
		for _, decided := range []uint64{VerdictOrderedAllow, VerdictOrderedDrop} {
			add(sides[d].order, PriorityDecided, openflow.NewMatch(openflow.Masked(RegVerdict, decided, decided)), 0)
			add(sides[d].rules, PriorityDecided, openflow.NewMatch(openflow.Masked(RegVerdict, decided, decided)), 0)
		}
		add(sides[d].rules, PriorityDecided, openflow.NewMatch(openflow.Masked(RegVerdict, VerdictPlatformDrop, VerdictPlatformDrop)), 0)
	}
	add(TableDestination, priorityTrack+10, openflow.NewMatch(openflow.Exact(RegSource, 0)), 0)
	add(TableOutput, priorityOwn, openflow.NewMatch(openflow.Exact(RegSource, 0), openflow.Exact(RegDest, 0)), 0) // Also when a flood's flow is missing.
	add(TableReceiver, priorityTrack, openflow.NewMatch(), TableReceiverCT,
		openflow.CTClear{}, openflow.Move{Src: openflow.Whole(RegDest), Dst: openflow.Whole(RegLocal)}, openflow.Set(RegVerdict, 0),
		openflow.Set(RegGroupClass, 0), openflow.Set(RegSetClass, 0))
	add(TableReceiverCT, priorityPort, openflow.NewMatch(openflow.Exact(openflow.EthType, etherARP)), TableOutput)
	add(TableLocalClass, priorityDrop, openflow.NewMatch(), 0, openflow.Set(RegLocalClass, 0)) // What was true at an earlier judgement is not.
	for _, t := range []uint8{
		TableClassify, TableAntiSpoof, TableSenderCT, TableSenderJudge, TableSenderDone, TableDestination,
		TableReceiverCT, TableRecvJudge, TableRecvDone, TableOutput,
		TableSenderNoted, TableSenderWhose, TableRecvNoted, TableRecvWhose,
	} {
		add(t, priorityDrop, openflow.NewMatch(), 0)
	}
	return append(out, platform()...)
}

// judgeBy sends the packet through the rules of a side, and then to the verdict. Whose rules they are is found out here and no earlier:
// connection tracking lies before, and the groups of the port may be others when it is through. Who stands above the union groups comes before
// them: a packet meets, and is counted by, the rule that decides, and none beside it.
func judgeBy(s side, done uint8) []openflow.Action {
	var out []openflow.Action
	for _, table := range []uint8{TableLocalClass, s.groups, s.sets, s.turns, s.rules, done} {
		out = append(out, openflow.Resubmit{Table: table})
	}
	return out
}

// judgeAgain sends a fragment back to be judged as if it came from connection tracking, where it has been noted already.
func judgeAgain(judge uint8) []openflow.Action {
	return []openflow.Action{
		openflow.Set(RegVerdict, fragmentNoted), openflow.Set(RegPass, 0), openflow.Set(RegGroupClass, 0), openflow.Set(RegSetClass, 0),
		openflow.Resubmit{Table: judge},
	}
}

// platform is the part of the platform's tier that is the same for every port.
func platform() []openflow.Flow {
	var out []openflow.Flow
	for _, r := range policy.PlatformRules {
		if r.Only != "" || r.Judged || r.Protocol == 0 {
			continue
		}
		switch {
		case r.Direction == policy.Ingress:
			out = append(out, platformFlows(r, TableReceiverCT, priorityPort, TableOutput)...)
		case r.Action == policy.Drop:
			out = append(out, platformFlows(r, TableAntiSpoof, priorityForbid, 0)...)
		}
	}
	// Solicitations and advertisements that speak for no address of their port; and, whatever they say, those whose options the
	// switch can't read (an address twice, a length of 0): it shows them with no target and no address.
	for _, kind := range []uint8{policy.ICMPv6NeighSolicit, policy.ICMPv6NeighAdvert} {
		drop := func(priority uint16, conditions ...openflow.MatchField) {
			out = append(out, openflow.Flow{
				Table: TableAntiSpoof, Priority: priority, Cookie: Cookie(CookiePlatform, policy.Platform("nd-out").Number), Flags: tellsCounts,
				Match: icmpv6(kind).With(conditions...),
			})
		}
		drop(priorityUntruth)
		drop(priorityForbid, openflow.ExactBits(openflow.NDTarget, openflow.Bits{}))
	}
	out = append(out, openflow.Flow{
		Table: TableAntiSpoof, Priority: priorityDiscover, Cookie: Cookie(CookiePlatform, policy.Platform("nd-out").Number), Flags: tellsCounts,
		Match: icmpv6(policy.ICMPv6NeighAdvert).With(openflow.Exact(openflow.ConjID, uint64(advertises))), Goto: TableDestination,
	})
	return out
}

// advertises is the conj_id of table 10: the dimensions name the port and the MAC, so that one serves all of them.
const advertises uint32 = 1

// platformFlows are a platform rule's flows in a table, one per ICMP type, with further conditions; without a next table they drop.
func platformFlows(r policy.PlatformRule, table uint8, priority uint16, next uint8, conditions ...openflow.MatchField) []openflow.Flow {
	var out []openflow.Flow
	add := func(m openflow.Match) {
		out = append(out, openflow.Flow{Table: table, Priority: priority, Cookie: Cookie(CookiePlatform, r.Number), Flags: tellsCounts, Match: m.With(conditions...), Goto: next})
	}
	for _, kind := range r.ICMPTypes {
		add(icmpv6(kind))
	}
	if len(r.ICMPTypes) == 0 {
		add(udp(r))
	}
	return out
}

func icmpv6(kind uint8) openflow.Match {
	return openflow.NewMatch(family(6), openflow.Exact(openflow.IPProto, uint64(policy.ProtoICMPv6)), openflow.Exact(openflow.ICMPv6Type, uint64(kind)))
}

func udp(r policy.PlatformRule) openflow.Match {
	return openflow.NewMatch(family(r.Family), openflow.Exact(openflow.IPProto, uint64(r.Protocol)),
		openflow.Exact(openflow.UDPSrc, uint64(r.SrcPort)), openflow.Exact(openflow.UDPDst, uint64(r.DstPort)))
}
