package controller

import (
	"context"
	"sync"
	"time"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/ofconn"
	"conjunct/policy"
)

// hits sums what the switches counted for each rule. A switch counts per flow and begins again at 0 when it restarts or the
// flow comes anew; the sums never go back.
type hits struct {
	mu    sync.Mutex
	sums  map[policy.Number]policy.Hits
	asked time.Time // when the switches were asked last because somebody wanted to know
}

// counted is what a switch said of a flow the last time.
type counted struct{ packets, bytes uint64 }

func newHits() *hits { return &hits{sums: make(map[policy.Number]policy.Hits)} }

// advance adds what a flow counted beyond the last time.
func (h *hits) advance(rule policy.Number, was, is counted) {
	if is.packets < was.packets || is.bytes < was.bytes {
		was = counted{}
	}
	if is == was {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	sum := h.sums[rule]
	sum.Packets += is.packets - was.packets
	sum.Bytes += is.bytes - was.bytes
	h.sums[rule] = sum
}

// Hits are the packets that a rule has decided, over all hosts, as of the last reading. Who asks again after a second gets
// what was counted since: the answer does not wait, but has the counters read.
func (c *Controller) Hits(rule policy.Number) policy.Hits {
	now := c.options.Clock()
	c.hits.mu.Lock()
	sum := c.hits.sums[rule]
	read := now.Sub(c.hits.asked) >= hitsAge
	if read {
		c.hits.asked = now
	}
	c.hits.mu.Unlock()
	if read {
		c.model.mu.RLock()
		defer c.model.mu.RUnlock()
		for _, h := range c.model.hosts {
			poke(h.reread)
		}
	}
	return sum
}

const hitsAge = time.Second

// poll reads the counters of the rules' flows until ctx ends.
func (s *session) poll(ctx context.Context) {
	tick := time.NewTicker(s.c.options.HitsInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.h.reread:
		}
		if err := s.readHits(ctx); err != nil && ctx.Err() == nil && s.conn.Err() == nil {
			s.log.Warn("could not read hit counters", "err", err)
		}
	}
}

// ruleTables hold the flows that count for rules.
var ruleTables = []uint8{flows.TableEgressRules, flows.TableEgressOrder, flows.TableIngrRules, flows.TableIngrOrder}

func (s *session) readHits(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.c.limits.dump)
	defer cancel()
	now := make(map[openflow.FlowKey]counted, len(s.h.hits))
	filter := ofconn.FlowFilter{Tables: ruleTables, Cookie: flows.Cookie(flows.CookieRule, 0), CookieMask: flows.Cookie(0xff, 0) | flows.CookieOwnerMask}
	for f, err := range s.conn.DumpFlows(ctx, filter) {
		if err != nil {
			return err
		}
		if kind, rule, ours := flows.ParseCookie(f.Cookie); ours && kind == flows.CookieRule {
			key, is := f.Key(), counted{f.Packets, f.Bytes}
			s.c.hits.advance(rule, s.h.hits[key], is)
			now[key] = is
		}
	}
	s.h.hits = now
	return nil
}
