package controller

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"conjunct/flows"
	"conjunct/policy"
)

// savedShard is how a shard is stored: numbers in rows, for there are many. Durations are milliseconds, times seconds since 1970.
type savedShard struct {
	Gone    []savedGone `json:"gone,omitempty"`
	Live    []savedFlow `json:"live,omitempty"`
	Leaving []savedFlow `json:"leaving,omitempty"`
}

// savedGone is kind, number, packets, bytes, last.
type savedGone [5]uint64

// savedFlow is kind, number, packets, bytes, last, flow, age, time of birth in milliseconds since 1970.
type savedFlow [8]uint64

func (sh *shard) save() []byte {
	var s savedShard
	for _, c := range slices.SortedFunc(maps.Keys(sh.gone), compareCounters) {
		t := sh.gone[c]
		s.Gone = append(s.Gone, savedGone{uint64(c.kind), uint64(c.number), t.packets, t.bytes, uint64(t.last)})
	}
	for _, id := range slices.Sorted(maps.Keys(sh.live)) {
		s.Live = append(s.Live, saveFlow(&sh.live[id].counted))
	}
	for _, id := range slices.Sorted(maps.Keys(sh.leaving)) {
		for i := range sh.leaving[id] {
			s.Leaving = append(s.Leaving, saveFlow(&sh.leaving[id][i].counted))
		}
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic("controller: encode counters: " + err.Error()) // numbers alone
	}
	return b
}

func saveFlow(f *counted) savedFlow {
	return savedFlow{uint64(f.of.kind), uint64(f.of.number), f.packets, f.bytes, uint64(f.last), uint64(f.id), uint64(f.age / time.Millisecond), uint64(f.born / time.Millisecond)}
}

// loadShard reads what save has written; what was leaving then has its time from now on.
func loadShard(b []byte, now int64) (*shard, error) {
	var s savedShard
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("read counters: %w", err)
	}
	sh := newShard()
	for _, g := range s.Gone {
		c := counter{flows.CookieKind(g[0]), policy.Number(g[1])}
		sh.gone[c] = sh.gone[c].plus(g[2], g[3], int64(g[4]))
	}
	for _, f := range s.Live {
		l := &liveFlow{counted: loadFlow(f)}
		sh.live[l.id] = l
	}
	for _, f := range s.Leaving {
		l := loadFlow(f)
		sh.leaving[l.id] = append(sh.leaving[l.id], leavingFlow{l, now})
	}
	return sh, nil
}

func loadFlow(f savedFlow) counted {
	return counted{
		id: flowID(f[5]), of: counter{flows.CookieKind(f[0]), policy.Number(f[1])},
		age: time.Duration(f[6]) * time.Millisecond, born: time.Duration(f[7]) * time.Millisecond,
		tally: tally{packets: f[2], bytes: f[3], last: int64(f[4])},
	}
}
