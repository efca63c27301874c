package oftest

import (
	"time"

	"conjunct/openflow"
)

// Faults is what goes wrong. Numbers count from 1, and from the moment of SetFaults; 0 is never.
type Faults struct {
	DropAt int           // the connection breaks when the n-th message comes, which is not carried out
	Delay  time.Duration // before each message is read: a slow switch
	Deaf   bool          // nothing is read any more
	Mute   bool          // nothing is answered any more, echoes included; what is asked is carried out

	RefuseMod      int                          // the n-th flow mod, in a bundle or alone
	RefuseAtCommit int                          // the n-th flow mod of a bundle is taken, and refused when the bundle is committed
	Refuse         func(*openflow.FlowMod) bool // flow mods of a kind; nil refuses none
	RefuseWith     openflow.ErrorCode           // for all three; ErrTableFull when 0
	RefuseBundles  bool                         // every message about bundles, as a switch that has none

	LoseBarrier int // the n-th barrier reply never leaves
	// LoseCommit: a bundle is committed, or with LoseCommitUndone not, the reply never leaves, and the connection breaks
	// when Break is set.
	LoseCommit, LoseCommitUndone, Break bool
}

// faultState is what is left of the faults.
type faultState struct {
	Faults
	messages, mods, barriers int
}

// SetFaults makes things go wrong from now on, in place of what was set before. The zero Faults is a healthy switch.
func (s *Switch) SetFaults(f Faults) {
	if f.RefuseWith == 0 {
		f.RefuseWith = openflow.ErrTableFull
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faultState{Faults: f}
}

// drops counts a message and reports whether the connection breaks at it.
func (f *faultState) drops() bool {
	f.messages++
	return f.DropAt != 0 && f.messages == f.DropAt
}

// refuses counts a flow mod and reports whether it is refused.
func (f *faultState) refuses(m *openflow.FlowMod) bool {
	f.mods++
	return f.RefuseMod != 0 && f.mods == f.RefuseMod || f.Refuse != nil && f.Refuse(m)
}

// losesBarrier counts a barrier and reports whether its reply is lost.
func (f *faultState) losesBarrier() bool {
	f.barriers++
	return f.LoseBarrier != 0 && f.barriers == f.LoseBarrier
}
