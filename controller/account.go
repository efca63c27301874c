package controller

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/policy"
)

// counter names what is counted: a rule, or a platform rule.
type counter struct {
	kind   flows.CookieKind
	number policy.Number
}

// tally is a sum of what flows have counted. last is when the newest of it was counted, in seconds since 1970; 0: never.
type tally struct {
	packets, bytes uint64
	last           int64
}

func (t tally) plus(packets, bytes uint64, last int64) tally {
	return tally{t.packets + packets, t.bytes + bytes, max(t.last, last)}
}

// flowID is a digest of what names a flow in a switch.
type flowID uint64

func idOf(f *openflow.Flow) flowID {
	h := fnv.New64a()
	_, _ = h.Write(binary.BigEndian.AppendUint16([]byte{f.Table}, f.Priority))
	_, _ = h.Write([]byte(f.Match.Key()))
	return flowID(h.Sum64())
}

// counted is what a switch said of a flow.
type counted struct {
	id flowID
	of counter
	tally
	age  time.Duration // how long the flow has been there; 0: not said
	born time.Duration // since 1970 by this process's clock, which may jump
}

// within reports whether a later count may be of the same flow. A flow by the same name that is younger, or has counted less, is
// another one: the first is gone.
func (c *counted) within(later *counted) bool {
	return c.of == later.of && c.packets <= later.packets && c.bytes <= later.bytes && c.age <= later.age
}

// shardID names a part of an account: the counters whose number begins alike. It is what is saved at a time.
type shardID struct {
	kind  flows.CookieKind
	block policy.Number
}

const shardSize = 64

func shardOf(c counter) shardID { return shardID{c.kind, c.number / shardSize} }

func (s shardID) String() string { return fmt.Sprintf("%d-%06x", s.kind, s.block) }

// account is what the switch of one host has counted, a shard at a time.
//
//	          a reading            not there any more             said to be removed, or long ago
//	flow ──────────────► live ───────────────────────► leaving ─────────────────────────────────► gone
//	                       └───────────── said to be removed ─────────────────────────────────────┘
//
// The sum of a counter is what live, leaving and gone hold of it, so that it is known again after a restart of the
// controller, and nothing is counted twice: a switch's counts are totals.
type account struct {
	shards map[shardID]*shard
	// racing are the flows of which the switch said that they were removed while a reading is under way: what the reading says of
	// them may be older. nil: none is under way.
	racing map[flowID]struct{}
	round  uint64 // of readings
}

type shard struct {
	gone    map[counter]tally // of flows that are no more
	live    map[flowID]*liveFlow
	leaving map[flowID][]leavingFlow
	changed bool // since it was saved
}

type liveFlow struct {
	counted
	round uint64 // the reading that saw it last
}

// leavingFlow is one that is no longer on the switch, and whose last count may still come: switches tell it when the datapath has
// let go of the flow, up to some seconds later.
type leavingFlow struct {
	counted
	since int64 // seconds since 1970
}

// patience for the last count of a flow.
const lastCountPatience = time.Minute

func newAccount() *account { return &account{shards: make(map[shardID]*shard)} }

func newShard() *shard {
	return &shard{gone: make(map[counter]tally), live: make(map[flowID]*liveFlow), leaving: make(map[flowID][]leavingFlow)}
}

func (a *account) shard(c counter) *shard {
	id := shardOf(c)
	sh := a.shards[id]
	if sh == nil {
		sh = newShard()
		a.shards[id] = sh
	}
	return sh
}

// read takes over what a reading says of a flow, which has counted something, and returns how much of it is new.
func (a *account) read(is *counted, now int64) (packets, bytes uint64) {
	if _, racing := a.racing[is.id]; racing {
		return 0, 0
	}
	sh := a.shard(is.of)
	was := sh.live[is.id]
	if was != nil && was.within(is) {
		packets, bytes = is.packets-was.packets, is.bytes-was.bytes
		if packets == 0 {
			is.last = was.last
		}
		sh.changed = sh.changed || packets > 0 || bytes > 0
	} else {
		if was != nil {
			sh.leaves(was, now)
		}
		packets, bytes, sh.changed = is.packets, is.bytes, true
	}
	sh.live[is.id] = &liveFlow{*is, a.round}
	return packets, bytes
}

// leaves notes that a flow is gone.
func (sh *shard) leaves(f *liveFlow, now int64) {
	delete(sh.live, f.id)
	sh.leaving[f.id] = append(sh.leaving[f.id], leavingFlow{f.counted, now})
	sh.changed = true
}

// finish ends a reading that has seen all flows: those that it has not seen are gone.
func (a *account) finish(now int64) {
	for _, sh := range a.shards {
		for id, f := range sh.live {
			if _, racing := a.racing[id]; !racing && f.round != a.round {
				sh.leaves(f, now)
			}
		}
		sh.settle(now)
	}
	a.racing = nil
}

// settle gives up waiting for last counts.
func (sh *shard) settle(now int64) {
	for id, list := range sh.leaving {
		for len(list) > 0 && now-list[0].since >= int64(lastCountPatience/time.Second) {
			sh.isGone(&list[0].counted)
			list = list[1:]
		}
		sh.keepLeaving(id, list)
	}
}

func (sh *shard) keepLeaving(id flowID, list []leavingFlow) {
	if len(list) == 0 {
		delete(sh.leaving, id)
		return
	}
	sh.leaving[id] = list
}

func (sh *shard) isGone(f *counted) {
	sh.gone[f.of] = sh.gone[f.of].plus(f.packets, f.bytes, f.last)
	sh.changed = true
}

// removed takes over the last count of a flow, and returns how much of it is new. Which flow of that name is meant, of those that
// were seen and have not been told of: the one that is as old. None: it came and went between two readings.
func (a *account) removed(final *counted) (packets, bytes uint64) {
	if a.racing != nil {
		a.racing[final.id] = struct{}{}
	}
	sh := a.shard(final.of)
	was := sh.seenBefore(final)
	packets, bytes = final.packets-was.packets, final.bytes-was.bytes
	if packets == 0 {
		final.last = was.last
	}
	if final.packets > 0 || final.bytes > 0 {
		sh.isGone(final)
	}
	return packets, bytes
}

// seenBefore takes the flow out of live or leaving that a last count is of, and returns what was counted of it.
func (sh *shard) seenBefore(final *counted) (was counted) {
	best, nearest := -1, time.Duration(math.MaxInt64)
	list := sh.leaving[final.id]
	for i := range list {
		if apart := (list[i].born - final.born).Abs(); list[i].within(final) && apart < nearest {
			best, nearest = i, apart
		}
	}
	if f := sh.live[final.id]; f != nil && f.within(final) && (f.born-final.born).Abs() <= nearest {
		delete(sh.live, final.id)
		return f.counted
	}
	if best >= 0 {
		was = list[best].counted
		sh.keepLeaving(final.id, slices.Delete(list, best, best+1))
	}
	return was
}

// sums adds up what the shard holds, by counter.
func (sh *shard) sums(add func(counter, tally)) {
	for c, t := range sh.gone {
		add(c, t)
	}
	for _, f := range sh.live {
		add(f.of, f.tally)
	}
	for _, list := range sh.leaving {
		for i := range list {
			add(list[i].of, list[i].tally)
		}
	}
}

// forget drops the counter.
func (sh *shard) forget(c counter) {
	delete(sh.gone, c)
	for id, f := range sh.live {
		if f.of == c {
			delete(sh.live, id)
		}
	}
	for id, list := range sh.leaving {
		kept := list[:0]
		for i := range list {
			if list[i].of != c {
				kept = append(kept, list[i])
			}
		}
		sh.keepLeaving(id, kept)
	}
	sh.changed = true
}

func (sh *shard) empty() bool { return len(sh.gone)+len(sh.live)+len(sh.leaving) == 0 }

func compareCounters(a, b counter) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.number, b.number))
}
