package controller

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"conjunct/flows"
	"conjunct/policy"
)

// ledger sums what all switches have counted. Sums never go back, whatever happens to a flow, a switch, a host or this
// process: an account outlives its host, and what is shown is what has been saved.
type ledger struct {
	mu       sync.Mutex
	accounts map[policy.HostID]*account
	rules    map[policy.Number]struct{} // that exist; what others count is dropped
	sums     map[counter]tally
	shown    map[counter]tally    // the sums as saved
	unsaved  map[counter]struct{} // whose sum is ahead of what is shown
}

func newLedger() *ledger {
	return &ledger{
		accounts: make(map[policy.HostID]*account), rules: make(map[policy.Number]struct{}),
		sums: make(map[counter]tally), shown: make(map[counter]tally), unsaved: make(map[counter]struct{}),
	}
}

// load takes over what an earlier process has saved. Of rules that are no more nothing is kept.
func (l *ledger) load(saved map[string][]byte, snapshot *policy.Snapshot, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for o := range snapshot.All(policy.KindRule) {
		l.rules[o.(*policy.Rule).Number] = struct{}{}
	}
	for name, value := range saved {
		host, part, ok := strings.Cut(name, "/")
		var id shardID
		if _, err := fmt.Sscanf(part, "%d-%x", &id.kind, &id.block); err != nil || !ok {
			return fmt.Errorf("read counters %q: the name is none of ours", name)
		}
		sh, err := loadShard(value, now.Unix())
		if err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		dead := make(map[counter]struct{})
		sh.sums(func(c counter, t tally) {
			if !l.counts(c) {
				dead[c] = struct{}{}
				return
			}
			l.sums[c] = l.sums[c].plus(t.packets, t.bytes, t.last)
		})
		for c := range dead {
			sh.forget(c)
		}
		l.account(policy.HostID(host)).shards[id] = sh
	}
	l.shown = maps.Clone(l.sums)
	return nil
}

// follow takes note of rules that come and go.
func (l *ledger) follow(b policy.Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range b.Changes {
		before, had := c.Before.(*policy.Rule)
		after, has := c.Object.(*policy.Rule)
		if has {
			l.rules[after.Number] = struct{}{}
		}
		if had && (!has || after.Number != before.Number) {
			l.forget(counter{flows.CookieRule, before.Number})
		}
	}
}

func (l *ledger) forget(c counter) {
	delete(l.rules, c.number)
	delete(l.sums, c)
	delete(l.shown, c)
	delete(l.unsaved, c)
	for _, a := range l.accounts {
		if sh := a.shards[shardOf(c)]; sh != nil {
			sh.forget(c)
		}
	}
}

// counts reports whether there is something to count for.
func (l *ledger) counts(c counter) bool {
	if c.kind == flows.CookieRule {
		_, ok := l.rules[c.number]
		return ok
	}
	return c.kind == flows.CookiePlatform
}

func (l *ledger) account(id policy.HostID) *account {
	a := l.accounts[id]
	if a == nil {
		a = newAccount()
		l.accounts[id] = a
	}
	return a
}

func (l *ledger) add(c counter, packets, bytes uint64, last int64) {
	if packets == 0 && bytes == 0 {
		return
	}
	l.sums[c] = l.sums[c].plus(packets, bytes, last)
	l.unsaved[c] = struct{}{}
}

// begin says that a host's flows are about to be read. One reading of a host is under way at a time.
func (l *ledger) begin(id policy.HostID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(id)
	a.racing = make(map[flowID]struct{})
	a.round++
}

// take takes over a reading of all flows that a host's switch counts by.
func (l *ledger) take(id policy.HostID, list []counted, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(id)
	for i := range list {
		is := &list[i]
		if l.counts(is.of) {
			last := is.last
			packets, bytes := a.read(is, now.Unix())
			l.add(is.of, packets, bytes, last)
		}
	}
	a.finish(now.Unix())
}

// removed takes over the last count of a flow that is gone.
func (l *ledger) removed(id policy.HostID, final counted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts(final.of) {
		last := final.last
		packets, bytes := l.account(id).removed(&final)
		l.add(final.of, packets, bytes, last)
	}
}

func (l *ledger) show(c counter) policy.Hits {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.shown[c]
	h := policy.Hits{Packets: t.packets, Bytes: t.bytes}
	if t.last > 0 {
		at := time.Unix(t.last, 0).UTC()
		h.LastHit = &at
	}
	return h
}

// save writes what has changed since the last time, and shows the sums that this makes durable. It returns how many bytes it wrote.
func (l *ledger) save(ctx context.Context, to func(context.Context, map[string][]byte) error) (size int, err error) {
	l.mu.Lock()
	values := make(map[string][]byte)
	saving := make(map[*shard]struct{})
	for id, a := range l.accounts {
		for part, sh := range a.shards {
			if !sh.changed {
				continue
			}
			name := string(id) + "/" + part.String()
			sh.changed = false
			saving[sh] = struct{}{}
			if sh.empty() {
				values[name] = nil
				continue
			}
			values[name] = sh.save()
			size += len(name) + len(values[name])
		}
	}
	now := make(map[counter]tally, len(l.unsaved))
	for c := range l.unsaved {
		now[c] = l.sums[c]
	}
	clear(l.unsaved)
	l.mu.Unlock()

	if len(values) > 0 {
		err = to(ctx, values)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, t := range now {
		switch {
		case !l.counts(c): // forgotten meanwhile
		case err != nil:
			l.unsaved[c] = struct{}{}
		default:
			l.shown[c] = t
		}
	}
	if err != nil {
		for sh := range saving {
			sh.changed = true
		}
	}
	return size, err
}
