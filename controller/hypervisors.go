package controller

import (
	"context"
	"strings"
	"sync"
	"time"

	"conjunct/ovsdb"
	"conjunct/policy"
)

// admit writes a Hypervisor object for a host that has come by itself. Its failure keeps nobody from serving the host.
func (c *Controller) admit(ctx context.Context, id policy.HostID) {
	_, err := c.options.Store.Update(ctx, func(tx policy.Tx) error {
		if _, ok := policy.Find[*policy.Hypervisor](tx.Snapshot(), id); ok {
			return nil
		}
		return tx.Put(&policy.Hypervisor{Meta: policy.Meta{ID: string(id)}, Name: string(id)})
	})
	if err != nil && ctx.Err() == nil {
		c.log.Warn("could not write down a hypervisor that has come by itself", "host", id, "err", err)
	}
}

// dialers dial the hypervisors that say so (Hypervisor.Connect).
type dialers struct {
	ctx     context.Context
	c       *Controller
	work    *sync.WaitGroup
	running map[policy.HostID]*dialer
}

type dialer struct {
	endpoint policy.Endpoint
	cancel   context.CancelFunc
}

func (d *dialers) start(ctx context.Context, c *Controller, work *sync.WaitGroup) {
	d.ctx, d.c, d.work, d.running = ctx, c, work, make(map[policy.HostID]*dialer)
}

// dial starts, ends or redirects the dialling of hypervisors, as the store says of them. One goroutine calls it.
func (c *Controller) dial(hosts []policy.HostID) {
	for _, id := range hosts {
		c.dialers.set(id, c.model.endpoint(id))
	}
}

func (d *dialers) set(id policy.HostID, to policy.Endpoint) {
	if is := d.running[id]; is != nil {
		if is.endpoint == to {
			return
		}
		is.cancel()
		delete(d.running, id)
	}
	if to == "" {
		return
	}
	ctx, cancel := context.WithCancel(d.ctx)
	d.running[id] = &dialer{to, cancel}
	d.work.Go(func() { d.c.keepDialling(ctx, id, to) })
}

func (c *Controller) keepDialling(ctx context.Context, id policy.HostID, to policy.Endpoint) {
	log := c.log.With("host", id, "endpoint", string(to))
	secure := strings.HasPrefix(string(to), "ssl:")
	s := ovsdb.Session{
		Address: string(to), Options: ovsdb.Options{TLS: c.options.TLS},
		Handle: func(ctx context.Context, cl *ovsdb.Client) {
			c.metrics.connects.Inc()
			if err := c.serveDatabase(ctx, cl, id, secure); err != nil && ctx.Err() == nil {
				log.Warn("a hypervisor is disconnected", "reason", err)
			}
		},
		Report: func(err error, retry time.Duration) {
			if err != nil {
				log.Warn("can't reach a hypervisor", "err", err, "retry", retry)
			}
		},
	}
	if err := s.Run(ctx); err != nil && ctx.Err() == nil {
		log.Error("can't dial a hypervisor", "err", err)
	}
}
