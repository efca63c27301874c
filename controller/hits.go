package controller

import (
	"context"
	"runtime"
	"time"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/ofconn"
	"conjunct/policy"
)

// Hits are the packets that a rule has decided, over all hosts, as last read and saved. Who asks again a little later gets what was
// counted since: the answer does not wait, but has the counters read.
func (c *Controller) Hits(rule policy.Number) policy.Hits {
	c.wantHits()
	return c.ledger.show(counter{flows.CookieRule, rule})
}

// PlatformHits are the packets that a platform rule has decided, over all hosts.
func (c *Controller) PlatformHits(rule policy.Number) policy.Hits {
	c.wantHits()
	return c.ledger.show(counter{flows.CookiePlatform, rule})
}

// hitsAge is how old counters may be before somebody who asks has them read again.
const hitsAge = time.Second

// wantHits has all switches asked, unless that was done a moment ago.
func (c *Controller) wantHits() {
	now := c.options.Clock().UnixNano()
	last := c.hitsAsked.Load()
	if now-last < int64(hitsAge) || !c.hitsAsked.CompareAndSwap(last, now) {
		return
	}
	c.model.mu.RLock()
	defer c.model.mu.RUnlock()
	for _, h := range c.model.hosts {
		poke(h.reread)
	}
}

const (
	// readingShare bounds what reading counters costs a switch: a reading that took a second is followed by this many seconds
	// without one.
	readingShare = 20
	// savingRate bounds what saving counters costs the store, in bytes per second on average.
	savingRate = 64 << 10
)

// maxReadings is how many switches are read at a time, and readingRest for how many times as long as a reading took its place stays
// empty: a large fleet never takes more than a tenth of the processors.
var maxReadings = max(1, runtime.GOMAXPROCS(0)/2)

const (
	readingRest    = 4
	maxReadingRest = time.Second // what takes long is the switch, not the processor
)

// tables hold the flows that count, by the kind of their cookies.
var countingTables = map[flows.CookieKind][]uint8{
	flows.CookieRule:     {flows.TableEgressRules, flows.TableEgressOrder, flows.TableIngrRules, flows.TableIngrOrder},
	flows.CookiePlatform: {flows.TableAntiSpoof, flows.TableEgressTurns, flows.TableReceiverCT},
	flows.CookiePipeline: flows.DropTables,
}

// poll reads the counters now and then until ctx ends; the listener takes over what it reads.
func (s *session) poll(ctx context.Context) {
	for {
		timer := time.NewTimer(s.c.options.HitsInterval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-s.h.reread:
			timer.Stop()
		}
		took, err := s.readHits(ctx)
		if err != nil && ctx.Err() == nil && s.conn.Err() == nil {
			s.log.Warn("could not read hit counters", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(took * readingShare):
		}
	}
}

// reading is all that a switch has counted, without the flows that have counted nothing.
type reading struct {
	flows []counted
	drops map[string]uint64
	done  chan struct{} // closed when it is taken over
}

// readHits reads the counters and waits until the listener has taken them over. It tells for how long the switch was busy with it.
func (s *session) readHits(ctx context.Context) (took time.Duration, err error) {
	if err := s.alive(ctx, s.c.limits.dump); err != nil {
		return 0, err
	}
	select {
	case s.c.readings <- struct{}{}:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	defer func() {
		if err == nil { // A switch that does not answer costs others its time already.
			select {
			case <-ctx.Done():
			case <-time.After(min(took*readingRest, maxReadingRest)):
			}
		}
		<-s.c.readings
	}()
	r := &reading{drops: make(map[string]uint64, len(flows.DropReasons)), done: make(chan struct{})}
	for _, reason := range flows.DropReasons {
		r.drops[reason] = 0
	}
	began := time.Now()
	s.c.ledger.begin(s.h.id)
	err = s.dumpCounts(ctx, r)
	took = time.Since(began)
	if err != nil {
		return took, err
	}
	s.c.metrics.countedFlows.Add(float64(len(r.flows)))
	s.c.metrics.readingTime.Observe(took.Seconds())
	select {
	case s.read <- r:
		<-r.done
		return took, nil
	case <-ctx.Done():
		return took, context.Cause(ctx)
	}
}

func (s *session) dumpCounts(ctx context.Context, r *reading) error {
	ctx, cancel := context.WithTimeout(ctx, s.c.limits.dump)
	defer cancel()
	for kind, tables := range countingTables {
		filter := ofconn.FlowFilter{Tables: tables, Cookie: flows.Cookie(kind, 0), CookieMask: flows.Cookie(0xff, 0) | flows.CookieOwnerMask}
		err := s.conn.EachCounted(ctx, filter, func(f *openflow.FlowStats) {
			if reason, ok := flows.DropReason(&f.Flow); ok {
				r.drops[reason] += f.Packets
				return
			}
			if is, ok := s.countOf(f); ok {
				is.last -= int64(f.IdleAge / time.Second)
				r.flows = append(r.flows, is)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// countOf is what a switch says of a flow that counts for a rule.
func (s *session) countOf(f *openflow.FlowStats) (counted, bool) {
	kind, number, ours := flows.ParseCookie(f.Cookie)
	if !ours || kind != flows.CookieRule && kind != flows.CookiePlatform {
		return counted{}, false
	}
	now := s.c.options.Clock()
	return counted{
		id: idOf(&f.Flow), of: counter{kind, number}, age: f.Duration, born: time.Duration(now.UnixNano()) - f.Duration,
		tally: tally{f.Packets, f.Bytes, now.Unix()},
	}, true
}

// takeReading takes over a reading, after all that the switch had said before the reading's end: a flow of which it says that it
// was removed counts once.
func (s *session) takeReading(r *reading) error {
	defer close(r.done)
	for {
		select {
		case m, ok := <-s.conn.Events():
			if !ok {
				return s.conn.Err()
			}
			if err := s.heard(m); err != nil {
				return err
			}
		default:
			s.c.ledger.take(s.h.id, r.flows, s.c.options.Clock())
			s.h.look(func() { s.h.drops = r.drops })
			poke(s.c.counted)
			return nil
		}
	}
}

// flowRemoved takes over what a flow has counted at last.
func (s *session) flowRemoved(m *openflow.FlowRemoved) {
	if final, ok := s.countOf(&m.Flow); ok {
		s.c.ledger.removed(s.h.id, final)
		poke(s.c.counted)
	}
}

// keepHits saves the counters when they have changed, and once more when ctx ends.
func (c *Controller) keepHits(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.limits.setup)
			defer cancel()
			c.saveHits(last)
			return
		case <-c.counted:
		}
		size := c.saveHits(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(max(savingPause, time.Duration(size)*time.Second/savingRate)):
		}
	}
}

// savingPause is how long saved counters stay alone: what hosts count at the same time is saved together.
const savingPause = 100 * time.Millisecond

func (c *Controller) saveHits(ctx context.Context) int {
	size, err := c.ledger.save(ctx, c.options.Store.SaveCounters)
	if err != nil && ctx.Err() == nil {
		c.log.Warn("could not save hit counters", "err", err)
		poke(c.counted)
		return savingRate // A second's worth: what can't be written is not tried all the time.
	}
	c.metrics.savedBytes.Add(float64(size))
	return size
}
