package main

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"sync"
	"time"
)

// fleet is all simulated hypervisors.
type fleet struct {
	hosts  []*host
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// newFleet makes the hosts of the world, not connected yet.
func newFleet(ctx context.Context, w *world) (*fleet, error) {
	ifaces := make([][]string, w.Hosts)
	for i, m := range w.members {
		if m.host >= 0 {
			ifaces[m.host] = append(ifaces[m.host], portID(i))
		}
	}
	f := &fleet{}
	for i := range w.Hosts {
		h, err := newHost(ctx, hostID(i), ifaces[i])
		if err != nil {
			return nil, err
		}
		f.hosts = append(f.hosts, h)
	}
	return f, nil
}

// dial lets all hosts connect to conjunctd, and go on doing so.
func (f *fleet) dial(ctx context.Context, address string, ports int) {
	ctx, f.cancel = context.WithCancel(ctx)
	for _, h := range f.hosts {
		f.work.Go(func() {
			h.db.DialOut(ctx, func(ctx context.Context) (net.Conn, error) {
				nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
				if err != nil {
					pause(ctx, redial)
				}
				return nc, err
			})
		})
		f.work.Go(func() { h.run(ctx, ports) })
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (f *fleet) close() {
	if f.cancel != nil {
		f.cancel()
		f.work.Wait()
	}
	for _, h := range f.hosts {
		h.db.Close()
	}
}

// count is what was said to each host so far.
type count []int64

func (f *fleet) count() count {
	out := make(count, len(f.hosts))
	for i, h := range f.hosts {
		out[i] = h.mods.Load()
	}
	return out
}

// since are the flow modifications since then, in all, and on how many hosts.
func (f *fleet) since(before count) (mods, hosts int64) {
	for i, h := range f.hosts {
		if n := h.mods.Load() - before[i]; n > 0 {
			mods, hosts = mods+n, hosts+1
		}
	}
	return mods, hosts
}

// last is when the last of all hosts has confirmed something, lastOf the last of those named.
func (f *fleet) last() time.Time {
	var at int64
	for _, h := range f.hosts {
		at = max(at, h.at.Load())
	}
	return time.Unix(0, at)
}

func (f *fleet) lastOf(hosts []int) time.Time {
	var at int64
	for _, i := range hosts {
		at = max(at, f.hosts[i].at.Load())
	}
	return time.Unix(0, at)
}

// await waits until each of the hosts has confirmed so many flow modifications more than before.
func (f *fleet) await(ctx context.Context, hosts []int, before count, more int64) error {
	for _, i := range hosts {
		for f.hosts[i].confirmed.Load() < before[i]+more {
			if pause(ctx, time.Millisecond); ctx.Err() != nil {
				return fmt.Errorf("host %s has confirmed %d flow mods of %d", f.hosts[i].id, f.hosts[i].confirmed.Load()-before[i], more)
			}
		}
	}
	return nil
}

// flows counts what is installed on all hosts.
func (f *fleet) flows() (n int) {
	for _, h := range f.hosts {
		n += h.flows()
	}
	return n
}

// memory is what this process uses for a flow on a host, about.
func (f *fleet) memory() (bytesPerFlow float64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / float64(max(1, f.flows()))
}
