package ofconn

import (
	"context"

	"conjunct/openflow"
)

// Apart carries out flow mods, in order, that need not be one step: it takes one turn to the switch where a bundle takes two. The error is
// a *BundleError. One with an Index says that the switch refuses that flow mod; the others may have been carried out, which is said as
// Unknown where there are others.
func (c *Conn) Apart(ctx context.Context, mods []openflow.FlowMod) error {
	if err := c.takeTurn(ctx); err != nil {
		return &BundleError{Index: -1, Err: err}
	}
	defer c.endTurn()
	receive, answers := first()
	s := c.calls.open(len(mods)+1, 0, receive)
	defer c.calls.close(s)
	failure := &BundleError{Index: -1}
	encode := func(b []byte) (_ []byte, err error) {
		for i := range mods {
			if b, err = openflow.Append(b, s.first+uint32(i), mods[i]); err != nil {
				failure.Index, failure.Mod = i, mods[i]
				return b, err
			}
		}
		return openflow.Append(b, s.first+uint32(len(mods)), openflow.BarrierRequest{})
	}
	if failure.Err = c.queue(ctx, encode); failure.Err != nil {
		return failure
	}
	a, err := c.wait(ctx, answers)
	switch {
	case err == nil:
		return nil
	case isSwitchError(err):
		failure.Unknown = len(mods) > 1
		if a.index < len(mods) {
			failure.Index, failure.Mod = a.index, mods[a.index]
		}
	default:
		failure.Unknown = true
	}
	failure.Err = err
	return failure
}
