package main

import (
	"context"
	"time"
)

// restart kills conjunctd and starts it again. The hosts come back by themselves; nothing is to change on them.
func (r *run) restart(ctx context.Context) error {
	before := r.fleet.count()
	r.daemon.kill()
	start := time.Now()
	if err := r.daemon.start(ctx); err != nil {
		return err
	}
	open := time.Since(start)
	watched := make(chan error, 1)
	go func() { watched <- r.watch(ctx, restarted) }()
	if err := r.ready(ctx); err != nil {
		return err
	}
	mods, hosts := r.fleet.since(before)
	r.report.Restart = &Restart{Open: open.Seconds(), Confirmed: time.Since(start).Seconds(), Mods: mods}
	r.say("  answers after %.1f s, every host confirmed after %.1f s, %d flow-mods", open.Seconds(), time.Since(start).Seconds(), mods)
	if mods != 0 {
		r.fail("restart: %d flow-mods on %d hosts", mods, hosts)
	}
	return <-watched
}
