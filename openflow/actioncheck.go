package openflow

// An actionChecker follows a packet through a list of actions and says what of it a switch would refuse
// (check_* and ofpacts_verify_nested in lib/ofp-actions.c of Open vSwitch).
type actionChecker struct {
	match  Match
	tags   int  // VLAN tags that the packet surely has
	inExec bool // the actions are those of ct(exec(...))
}

// maxTags is how many VLAN tags Open vSwitch knows about in one packet.
const maxTags = 2

func newActionChecker(m Match) *actionChecker {
	c := &actionChecker{match: m}
	if PrereqVLAN.holds(m) {
		c.tags = 1
	}
	return c
}

// check returns the error that a switch answers for a, or 0.
func (c *actionChecker) check(a Action) ErrorCode {
	if c.inExec {
		return c.checkExec(a)
	}
	switch a := a.(type) {
	case Output:
		if !a.Port.forOutput() {
			return ErrBadOutPort
		}
	case SetField:
		return c.checkSet(a)
	case Move:
		return c.checkMove(a)
	case Resubmit:
		if a.CT && !saysTracked(c.match) {
			return ErrMatchInconsistent
		}
	case CT:
		return c.checkCT(a)
	case Conjunction:
		if a.N < 2 || a.N > 64 || a.Clause >= a.N {
			return ErrBadConjunction
		}
	case PushVLAN:
		if a.EtherType != 0x8100 && a.EtherType != 0x88a8 {
			return ErrBadActionArg
		}
		if c.tags++; c.tags > maxTags {
			return ErrBadActionTag
		}
	case PopVLAN:
		if c.tags--; c.tags < 0 {
			return ErrMatchInconsistent
		}
	case DecTTL:
		if !PrereqIP.holds(c.match) {
			return ErrMatchInconsistent
		}
	}
	return 0
}

// has reports whether the packet has the header that f is part of.
func (c *actionChecker) has(f Field) bool {
	p := fieldTable[f].Prereq
	return p == PrereqVLAN && c.tags > 0 || p != PrereqVLAN && p.holds(c.match)
}

func (c *actionChecker) checkSet(a SetField) ErrorCode {
	const present = VLANPresent
	switch {
	case a.Mask.IsZero() || !a.Field.fits(a.Value) || !fieldTable[a.Field].Writable || a.Field.ofConnection() != c.inExec:
		return ErrBadSetArgument
	case !fieldTable[a.Field].Maskable && a.Mask != a.Field.mask():
		return ErrBadSetMask
	case !c.has(a.Field):
		return ErrMatchInconsistent
	case a.Field == VLANVID && (a.Value.Uint64()&present == 0 || a.Mask.Uint64()&present == 0):
		return ErrBadSetArgument // a tag is added by PushVLAN and removed by PopVLAN alone
	case a.Field == VLANVID && c.tags == 0:
		return ErrMatchInconsistent
	}
	return 0
}

func (c *actionChecker) checkMove(a Move) ErrorCode {
	switch {
	case !a.Src.valid() || !a.Dst.valid() || a.Src.N != a.Dst.N:
		return ErrBadActionArg
	case !fieldTable[a.Dst.Field].Writable || a.Dst.Field.ofConnection() != c.inExec:
		return ErrBadSetArgument
	case !c.has(a.Src.Field) || !c.has(a.Dst.Field):
		return ErrMatchInconsistent
	}
	return 0
}

func (c *actionChecker) checkCT(a CT) ErrorCode {
	state, _, _ := c.match.Get(CTState)
	switch {
	case a.Force && !a.Commit, !a.ZoneSrc.IsZero() && (a.ZoneSrc.N != 16 || !a.ZoneSrc.valid()):
		return ErrBadActionArg
	case !PrereqIP.holds(c.match) || a.Commit && state.Uint64()&CTInvalid != 0:
		return ErrMatchInconsistent
	case a.ALG == ctALGs[0].port && !PrereqTCP.protocolHolds(c.match) || a.ALG == ctALGs[1].port && !PrereqUDP.protocolHolds(c.match):
		return ErrMatchInconsistent
	case !a.ZoneSrc.IsZero() && !c.has(a.ZoneSrc.Field):
		return ErrMatchInconsistent
	}
	inner := actionChecker{match: c.match, tags: c.tags, inExec: true}
	for _, e := range a.Exec {
		if code := inner.check(e); code != 0 {
			return code
		}
	}
	return 0
}

// checkExec: a ct action changes the connection's fields, and its addresses (which is raw here), nothing else.
func (c *actionChecker) checkExec(a Action) ErrorCode {
	switch a := a.(type) {
	case SetField:
		return c.checkSet(a)
	case Move:
		return c.checkMove(a)
	case RawAction:
		return 0
	}
	return ErrBadActionArg
}

// ofConnection reports whether f is written by ct(exec(...)) and by nothing else.
func (f Field) ofConnection() bool { return f == CTMark || f == CTLabel }
