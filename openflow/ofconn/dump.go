package ofconn

import (
	"context"
	"fmt"
	"iter"

	"conjunct/openflow"
)

// FlowFilter says which flows to dump. The zero FlowFilter is all flows of all tables.
type FlowFilter struct {
	Tables             []uint8        // nil: all
	Cookie, CookieMask uint64         // flows whose cookie, under the mask, is Cookie
	Match              openflow.Match // flows whose match lies within it
}

// Tables returns the numbers first to last, both included.
func Tables(first, last uint8) []uint8 {
	tables := make([]uint8, 0, int(last)-int(first)+1)
	for t := int(first); t <= int(last); t++ {
		tables = append(tables, uint8(t))
	}
	return tables
}

// requests returns one request for all tables, or one per table.
func (f *FlowFilter) requests() []openflow.Message {
	r := openflow.FlowDescRequest{Table: openflow.AllTables, Cookie: f.Cookie & f.CookieMask, CookieMask: f.CookieMask, Match: f.Match}
	if f.Tables == nil {
		return []openflow.Message{r}
	}
	requests := make([]openflow.Message, len(f.Tables))
	for i, t := range f.Tables {
		r.Table = t
		requests[i] = r
	}
	return requests
}

// DumpFlows yields the flows in the order in which the switch sends them, table by table where the filter names tables. The
// flows of one table are those of one moment; between two tables others may change the switch. Flows are handed out as
// they come: no more than a few parts of the answer are in memory. The pointer is valid until the next turn; copy
// the flow to keep it. Whoever takes longer than Options.StallTimeout over a part gets ErrStalled.
//
// An error comes last, with a nil flow.
func (c *Conn) DumpFlows(ctx context.Context, filter FlowFilter) iter.Seq2[*openflow.FlowStats, error] {
	return func(yield func(*openflow.FlowStats, error) bool) {
		for m, err := range c.parts(ctx, filter.requests()) {
			part, ok := m.(openflow.FlowDescReply)
			if err == nil && !ok {
				err = fmt.Errorf("got %T: %w", m, ErrUnexpected)
			}
			if err != nil {
				yield(nil, fmt.Errorf("dump flows: %w", err))
				return
			}
			for i := range part.Flows {
				if !yield(&part.Flows[i], nil) {
					return
				}
			}
		}
	}
}

// SumFlows returns the sum of all flows under the filter. It takes a tenth of the time of DumpFlows, and no memory: flows are summed
// on their way in.
func (c *Conn) SumFlows(ctx context.Context, filter FlowFilter, hasher *openflow.FlowHasher) (openflow.FlowSum, error) {
	var sum openflow.FlowSum // the reader's alone until the answer is there
	err := c.peek(ctx, filter.requests(), func(body []byte) (bool, error) { return hasher.AddReply(&sum, body) })
	if err != nil {
		return openflow.FlowSum{}, fmt.Errorf("sum flows: %w", err)
	}
	return sum, nil
}

// EachCounted calls each for the flows under the filter that have counted a packet or a byte. It is called on the reader's
// goroutine, which reads nothing else meanwhile, after an error perhaps once EachCounted has returned; the pointer is valid during
// the call. Flows that have counted nothing cost hardly anything.
func (c *Conn) EachCounted(ctx context.Context, filter FlowFilter, each func(*openflow.FlowStats)) error {
	err := c.peek(ctx, filter.requests(), func(body []byte) (bool, error) { return openflow.EachCounted(body, each) })
	if err != nil {
		return fmt.Errorf("read counters: %w", err)
	}
	return nil
}

// peek shows each part of the answers to a look, on the reader's goroutine, until no part follows any more.
func (c *Conn) peek(ctx context.Context, requests []openflow.Message, look func(body []byte) (more bool, err error)) error {
	left := len(requests)
	receive, answers := first()
	xids := c.calls.add(&span{n: uint32(left), receive: receive, peek: func(index int, body []byte) {
		more, err := look(body)
		if err == nil && !more {
			left--
		}
		if err != nil || left == 0 {
			receive(index, nil, err)
		}
	}})
	defer c.calls.close(xids)
	if err := c.send(ctx, xids.first, requests...); err != nil {
		return err
	}
	_, err := c.wait(ctx, answers)
	return err
}

// PortDescs returns all ports of the switch.
func (c *Conn) PortDescs(ctx context.Context) ([]openflow.PortDesc, error) {
	var ports []openflow.PortDesc
	for m, err := range c.parts(ctx, []openflow.Message{openflow.PortDescRequest{}}) {
		part, ok := m.(openflow.PortDescReply)
		if err == nil && !ok {
			err = fmt.Errorf("got %T: %w", m, ErrUnexpected)
		}
		if err != nil {
			return nil, fmt.Errorf("describe ports: %w", err)
		}
		ports = append(ports, part.Ports...)
	}
	return ports, nil
}
