package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/ofeval"
	"conjunct/policy"
)

// errNotPlugged is the answer of Probe for a port without an interface.
var errNotPlugged = errors.New("its interface is on no hypervisor's bridge")

// probeAttempts is how often a bridge is read that changes meanwhile.
const probeAttempts = 3

// Probe takes a packet through the flows that the bridges hold, and through those that are wanted, and compares the ways.
func (c *Controller) Probe(ctx context.Context, p policy.Probe) ([]policy.Passage, error) {
	r := &probe{Probe: p, benches: make(map[*host]*bench)}
	for i, end := range []policy.End{p.From, p.To} {
		direction := []policy.Direction{policy.Egress, policy.Ingress}[i]
		if end.Port == nil {
			continue
		}
		h, ofport, err := c.model.seatOf(policy.PortID(end.Port.Port.ID))
		if err != nil {
			return nil, err
		}
		if r.benches[h] == nil {
			if r.benches[h], err = c.bench(ctx, h); err != nil {
				return nil, err
			}
		}
		r.ends[i] = &probeEnd{view: end.Port, host: h, bench: r.benches[h], ofport: ofport, direction: direction}
	}
	wanted := r.run(wantedFlows, nil)
	is := r.run(installedFlows, wanted)
	return r.passages(c, wanted, is), nil
}

// seatOf is where the port is plugged in: where it is expected when it is on several hosts, as during a migration.
func (m *model) seatOf(id policy.PortID) (*host, uint16, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	p := m.ports.byID[id]
	if p == nil {
		return nil, 0, &policy.NotFound{Kind: policy.KindPort, ID: string(id)}
	}
	var at *plug
	for _, pl := range p.plugs {
		if id := pl.host.id; at == nil || id == p.expected || (at.host.id != p.expected && id < at.host.id) {
			at = pl
		}
	}
	if at == nil {
		return nil, 0, fmt.Errorf("port %s: %w", id, errNotPlugged)
	}
	return at.host, at.seat.ofport, nil
}

// bench is a bridge as it is and as it should be.
type bench struct {
	host     *host
	uplinks  []uint16
	ports    []openflow.Port
	have     installed
	want     installed
	differs  map[openflow.FlowKey]policy.DifferenceKind
	isBehind bool
}

// bench reads what the host's bridge holds. A bridge that changes meanwhile is read again.
func (c *Controller) bench(ctx context.Context, h *host) (*bench, error) {
	for attempt := 1; ; attempt++ {
		var s *session
		var before, after progress
		h.look(func() { s, before = h.session, h.progress })
		if s == nil {
			return nil, fmt.Errorf("ask %s for its flows: %w", h.id, errNotConnected)
		}
		b, err := s.bench(ctx, &after)
		if err != nil {
			return nil, err
		}
		settled := before == after && after.oldest() == 0
		if settled || attempt == probeAttempts {
			b.isBehind = !settled
			return b, nil
		}
	}
}

func (s *session) bench(ctx context.Context, now *progress) (*bench, error) {
	release, err := s.c.dumpSlot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	b := &bench{host: s.h, want: make(installed)}
	if b.have, err = s.dump(ctx); err != nil {
		return nil, err
	}
	descs, err := s.conn.PortDescs(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its ports: %w", s.h.id, err)
	}
	for _, d := range descs {
		b.ports = append(b.ports, d.Port)
	}
	slices.Sort(b.ports)
	s.h.look(func() {
		*now = s.h.progress
		b.uplinks = slices.Clone(s.h.seating.uplinks)
		for f := range s.h.flows.All() {
			b.want[f.Key()] = &f
		}
	})
	b.compare()
	return b, nil
}

// compare notes how each flow differs that is in one of the two alone, or not the same in both.
func (b *bench) compare() {
	b.differs = make(map[openflow.FlowKey]policy.DifferenceKind)
	for key, f := range b.want {
		switch is := b.have[key]; {
		case is == nil:
			b.differs[key] = policy.FlowMissing
		case !is.Equal(f):
			b.differs[key] = policy.FlowChanged
		}
	}
	for key := range b.have {
		if b.want[key] == nil {
			b.differs[key] = policy.FlowExtra
		}
	}
}

// whichFlows chooses one of the two.
type whichFlows func(*bench) installed

func installedFlows(b *bench) installed { return b.have }
func wantedFlows(b *bench) installed    { return b.want }

// bridge holds the flows that are chosen.
func (b *bench) bridge(which whichFlows) *ofeval.Bridge {
	all := make([]openflow.Flow, 0, len(which(b)))
	for _, f := range which(b) {
		all = append(all, *f)
	}
	slices.SortFunc(all, flows.Compare)
	return ofeval.NewBridge(slices.Values(all), b.ports...)
}
