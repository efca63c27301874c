package ofconn

import (
	"context"
	"fmt"
	"iter"

	"conjunct/openflow"
)

const (
	pieceBytes = 64 << 10 // of encoded flow mods that go into the outbox at a time
	pieceMods  = 1024     // flow mods for which xids are reserved at a time
)

// A piece is a part of a bundle on its way to the outbox.
type piece struct {
	span *span
	n    int // flow mods in wire, of the span's xids
	wire []byte
}

// fill sends the opening and the flow mods, without waiting for replies. It stops at the first refusal.
func (b *bundle) fill(ctx context.Context, mods iter.Seq[openflow.FlowMod]) error {
	if err := b.c.send(ctx, b.open(1, -1, b.receive).first, b.control(openflow.BundleOpenRequest)); err != nil {
		return err
	}
	var p piece
	index := 0
	for m := range mods {
		if p.span == nil || p.n == pieceMods {
			if err := b.flush(ctx, &p); err != nil {
				return err
			}
			p = piece{span: b.open(pieceMods, index, b.receive), wire: p.wire}
		}
		wire, err := openflow.Append(p.wire, p.span.first+uint32(p.n), openflow.BundleAdd{ID: b.id, Flags: bundleFlags, Message: m})
		if err != nil {
			b.receive(index, nil, err)
			return err
		}
		p.wire, p.n = wire, p.n+1
		index++
		if len(p.wire) >= pieceBytes {
			if err := b.flush(ctx, &p); err != nil {
				return err
			}
		}
	}
	return b.flush(ctx, &p)
}

// flush hands what is encoded to the outbox.
func (b *bundle) flush(ctx context.Context, p *piece) error {
	if err := b.refusal(); err != nil {
		return err
	}
	err := b.c.queue(ctx, func(out []byte) ([]byte, error) { return append(out, p.wire...), nil })
	p.wire = p.wire[:0]
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	return nil
}
