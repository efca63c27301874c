package ofconn

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"conjunct/openflow"
)

// A BundleError says why a bundle was not confirmed.
//
// When Unknown is false the switch is as it was before: nothing of the bundle was applied. When it is true the
// commit was sent and the answer never came: all of it was applied, or nothing. Dump the flows to find out.
type BundleError struct {
	Unknown bool
	Index   int              // of the flow mod that is the cause, from 0; -1 when none is
	Mod     openflow.FlowMod // it, when Index is not -1
	Err     error            // openflow.Error, or what ended the call or the connection
}

// Error tells the flow mod, the cause and what it means.
func (e *BundleError) Error() string {
	outcome := "nothing applied"
	if e.Unknown {
		outcome = "not known whether applied"
	}
	if e.Index < 0 {
		return fmt.Sprintf("bundle: %v (%s)", e.Err, outcome)
	}
	return fmt.Sprintf("bundle: flow mod %d, %v: %v (%s)", e.Index, e.Mod, e.Err, outcome)
}

// Unwrap returns the cause.
func (e *BundleError) Unwrap() error { return e.Err }

// bundleFlags: all or nothing, in the order given.
const bundleFlags = openflow.BundleAtomic | openflow.BundleOrdered

// Bundle carries out all flow mods, in order, in one step that packets see whole, and returns when the switch has confirmed
// it; or else carries out none. The error is a *BundleError.
//
// Open vSwitch searches what was there before the bundle: a loose delete or modify, or FlowCheckOverlap, may miss a flow
// that the same bundle has added. Put loose changes first, or use the strict ones.
func (c *Conn) Bundle(ctx context.Context, mods []openflow.FlowMod) error {
	if len(mods) == 1 {
		return c.Apart(ctx, mods) // A single one is a step by itself.
	}
	return c.BundleSeq(ctx, slices.Values(mods))
}

// BundleSeq is Bundle of flow mods that are made while they are sent. The switch gives up a bundle when nothing comes for 10 s
// (Open vSwitch, BUNDLE_IDLE_TIMEOUT), so mods must not take so long to go on; it may be run a second time, to name the flow mod
// that an error is about.
//
// One bundle is under way on a connection at a time; others wait for it.
func (c *Conn) BundleSeq(ctx context.Context, mods iter.Seq[openflow.FlowMod]) error {
	if err := c.takeTurn(ctx); err != nil {
		return &BundleError{Index: -1, Err: err}
	}
	defer c.endTurn()
	c.bundle++
	b := &bundle{c: c, id: c.bundle, refused: make(chan struct{}), index: -1}
	defer b.forget()
	err := b.carryOut(ctx, mods)
	if err == nil {
		return nil
	}
	failure := &BundleError{Unknown: b.unknown, Index: -1, Err: err}
	if refusal := b.refusal(); refusal != nil && !b.unknown {
		failure.Err, failure.Index = refusal, b.index
	}
	if !b.committed {
		b.discard()
	}
	b.name(failure, mods)
	return failure
}

// takeTurn waits until no bundle is under way; endTurn must follow.
func (c *Conn) takeTurn(ctx context.Context) error {
	select {
	case <-c.bundles:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return c.ended()
	}
}

func (c *Conn) endTurn() { c.bundles <- struct{}{} }

// A bundle is under way.
type bundle struct {
	c         *Conn
	id        uint32
	spans     []*span
	committed bool // the commit may have left
	unknown   bool // ... and was not answered

	mu      sync.Mutex
	refused chan struct{} // closed at the first error about the opening or a flow mod
	err     error         // that error
	index   int           // of the flow mod that err is about; -1: the opening
}

// carryOut sends the opening and all flow mods, and commits only when the switch, by the answer to a barrier, has taken
// every one of them. Open vSwitch would commit without those that it has refused.
func (b *bundle) carryOut(ctx context.Context, mods iter.Seq[openflow.FlowMod]) error {
	if err := b.fill(ctx, mods); err != nil {
		return err
	}
	if err := b.roundTrip(ctx, openflow.BarrierRequest{}); err != nil {
		return err
	}
	if err := b.refusal(); err != nil {
		return err
	}
	return b.commit(ctx)
}

// commit is sent with a barrier behind it. Only an error of the switch itself says that nothing was applied.
func (b *bundle) commit(ctx context.Context) error {
	receiveCommit, commit := first()
	receiveBarrier, barrier := first()
	commitSpan, barrierSpan := b.open(1, 0, receiveCommit), b.open(1, 0, receiveBarrier)
	if err := ctx.Err(); err != nil {
		return err
	}
	b.committed, b.unknown = true, true
	if err := b.c.send(ctx, commitSpan.first, b.control(openflow.BundleCommitRequest)); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if err := b.c.send(ctx, barrierSpan.first, openflow.BarrierRequest{}); err != nil {
		return fmt.Errorf("barrier after commit: %w", err)
	}
	a, err := b.c.wait(ctx, commit)
	if isSwitchError(err) {
		b.unknown = false
		return err
	}
	if reply, ok := a.m.(openflow.BundleControl); err == nil && (!ok || reply.ID != b.id || reply.Kind != openflow.BundleCommitReply) {
		err = fmt.Errorf("got %T %v: %w", a.m, a.m, ErrUnexpected)
	}
	if err != nil {
		return fmt.Errorf("await commit: %w", err)
	}
	if _, err := b.c.wait(ctx, barrier); err != nil {
		return fmt.Errorf("await barrier after commit: %w", err)
	}
	b.unknown = false
	return nil
}

// discard tells the switch to forget the bundle. Nobody waits for that: it would forget it by itself soon.
func (b *bundle) discard() {
	s := b.open(1, 0, func(int, openflow.Message, error) {})
	_ = b.c.reply(s.first, b.control(openflow.BundleDiscardRequest))
}

func (b *bundle) control(kind openflow.BundleControlType) openflow.BundleControl {
	return openflow.BundleControl{ID: b.id, Kind: kind, Flags: bundleFlags}
}

// receive notes the first error about the opening or a flow mod. An error about the opening also comes later, when the
// switch gives up the bundle.
func (b *bundle) receive(index int, m openflow.Message, err error) {
	if e, ok := m.(openflow.Error); ok {
		err = e
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil || b.err != nil {
		return
	}
	b.err, b.index = err, index
	close(b.refused)
}

// refusal returns the first error about the opening or a flow mod.
func (b *bundle) refusal() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// roundTrip waits for the reply to m, but not longer than until the first refusal.
func (b *bundle) roundTrip(ctx context.Context, m openflow.Message) error {
	receive, answers := first()
	if err := b.c.send(ctx, b.open(1, 0, receive).first, m); err != nil {
		return err
	}
	select {
	case a := <-answers:
		return a.err
	case <-b.refused:
		return b.refusal()
	case <-ctx.Done():
		return ctx.Err()
	case <-b.c.done:
		return b.c.ended()
	}
}

func (b *bundle) open(n, base int, receive receiver) *span {
	s := b.c.calls.open(n, base, receive)
	b.spans = append(b.spans, s)
	return s
}

// forget ends the interest in the replies.
func (b *bundle) forget() { b.c.calls.close(b.spans...) }

// name adds the flow mod to an error that has only its index.
func (b *bundle) name(e *BundleError, mods iter.Seq[openflow.FlowMod]) {
	if e.Index < 0 {
		return
	}
	i := 0
	for m := range mods {
		if i == e.Index {
			e.Mod = m
			return
		}
		i++
	}
}

// isSwitchError reports whether err came from the switch.
func isSwitchError(err error) bool {
	var e openflow.Error
	return errors.As(err, &e)
}
