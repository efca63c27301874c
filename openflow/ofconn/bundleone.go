package ofconn

import (
	"context"

	"conjunct/openflow"
)

// one carries out a single flow mod, which is atomic by itself: that takes one turn to the switch in place of two.
func (c *Conn) one(ctx context.Context, mod openflow.FlowMod) error {
	if err := c.takeTurn(ctx); err != nil {
		return &BundleError{Index: -1, Err: err}
	}
	defer c.endTurn()
	receive, answers := first()
	s := c.calls.open(2, 0, receive)
	defer c.calls.close(s)
	failure := &BundleError{Index: -1}
	encode := func(b []byte) ([]byte, error) {
		b, err := openflow.Append(b, s.first, mod)
		if err != nil {
			failure.Index, failure.Mod = 0, mod
			return b, err
		}
		return openflow.Append(b, s.first+1, openflow.BarrierRequest{})
	}
	if failure.Err = c.queue(ctx, encode); failure.Err != nil {
		return failure
	}
	a, err := c.wait(ctx, answers)
	switch {
	case err == nil:
		return nil
	case isSwitchError(err):
		if a.index == 0 {
			failure.Index, failure.Mod = 0, mod
		}
	default:
		failure.Unknown = true
	}
	failure.Err = err
	return failure
}
