package controller

import (
	"cmp"
	"slices"
)

const (
	// rememberedBatches and rememberedHosts bound what is remembered: of the oldest, it is no longer known whom they concerned.
	rememberedBatches = 1 << 13
	rememberedHosts   = 1 << 17
)

// concerned remembers which hosts each of the last batches concerned, so that who waits for a change does not wait for a host
// that has nothing to do with it and may be away for days.
//
//	           since                          revision of the last one
//	forgotten ──┼── batch ──┼── batch ──┼── batch ──┤
//
// The model's mu guards it.
type concerned struct {
	since   int64 // the revision behind which nothing is forgotten
	batches []concernedBy
	hosts   int // in all batches
}

// concernedBy are the hosts that the revisions up to this one, from the one of the batch before, concern.
type concernedBy struct {
	revision int64
	hosts    []*host
}

// note follows a batch.
func (c *concerned) note(revision int64, touched touches) {
	by := concernedBy{revision: revision, hosts: make([]*host, 0, len(touched))}
	for h := range touched {
		by.hosts = append(by.hosts, h)
	}
	c.batches = append(c.batches, by)
	c.hosts += len(by.hosts)
	n := 0
	for n < len(c.batches)-1 && (len(c.batches)-n > rememberedBatches || c.hosts > rememberedHosts) {
		c.since, c.hosts = c.batches[n].revision, c.hosts-len(c.batches[n].hosts)
		n++
	}
	clear(c.batches[:n])
	c.batches = c.batches[n:]
}

// by are the hosts that the revision concerns; known is false when that is forgotten.
func (c *concerned) by(revision int64) (hosts []*host, known bool) {
	if revision <= c.since {
		return nil, false
	}
	n, _ := slices.BinarySearchFunc(c.batches, revision, func(b concernedBy, r int64) int { return cmp.Compare(b.revision, r) })
	if n == len(c.batches) {
		return nil, false
	}
	return c.batches[n].hosts, true
}
