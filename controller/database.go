package controller

import (
	"context"
	"errors"
	"fmt"

	"conjunct/ovsdb"
	"conjunct/policy"
)

// serveDatabase keeps the connection to a hypervisor's database until it ends. named is the host that was dialled; empty
// when the hypervisor dialled. secure tells that the peer has shown a certificate.
func (c *Controller) serveDatabase(ctx context.Context, cl *ovsdb.Client, named policy.HostID, secure bool) error {
	id, err := identify(ctx, cl, named, secure)
	if err != nil {
		return err
	}
	h := c.model.visit(id)
	defer c.model.endVisit(h)
	if err := h.meet(cl); err != nil {
		return err
	}
	ctx, release := h.database.take(ctx)
	defer release()
	c.admit(ctx, id)
	d := &database{c: c, h: h, client: cl, log: c.log.With("host", id)}
	return d.run(ctx)
}

// identify returns which host the database is of. A fresh one may have no name yet: it is waited for.
func identify(ctx context.Context, cl *ovsdb.Client, named policy.HostID, secure bool) (policy.HostID, error) {
	for cl.SystemID() == "" {
		if _, err := cl.Next(ctx); err != nil {
			return "", fmt.Errorf("wait for external_ids:system-id: %w", err)
		}
	}
	id := cl.SystemID()
	switch {
	case !policy.ValidName(id):
		return "", fmt.Errorf("system-id %q does not match %s", id, policy.NamePattern)
	case named != "" && policy.HostID(id) != named:
		return "", fmt.Errorf("dialled hypervisor %q, and its system-id is %q", named, id)
	case secure && !cl.IsPeer(id):
		return "", fmt.Errorf("system-id %q is not a name of its certificate (%q)", id, cl.PeerNames())
	}
	return policy.HostID(id), nil
}

// meet checks that a database is that of the machine that is known by the name. Two machines with one system-id would take
// turns, each with the other's ports: the second is refused while the first is there. When the first is gone, so is
// what was said to its switch.
func (h *host) meet(cl *ovsdb.Client) error {
	root := cl.Snapshot().Root()
	if root == nil {
		return nil
	}
	var connected, another bool
	h.look(func() {
		another = h.root != ovsdb.UUID{} && h.root != root.UUID
		connected = h.client != nil && h.client.Err() == nil
	})
	if another && connected {
		return errTwins
	}
	if another {
		h.channel.evict()
	}
	h.change(func() { h.root = root.UUID })
	return nil
}

var errTwins = errors.New("another hypervisor with the same system-id is connected; give each its own")

// database is one connection to a host's ovsdb-server.
type database struct {
	c      *Controller
	h      *host
	client *ovsdb.Client
	log    logger
}

var errRenamed = errors.New("the system-id has changed")

func (d *database) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	d.h.change(func() {
		d.h.client = d.client
		if d.h.phase == phaseNever {
			d.h.phase = phaseConnecting
		}
	})
	d.c.bindings.add(d.h)
	defer d.leave()
	rows := make(chan error)
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.watch(ctx, rows)
	}()
	defer func() { cancel(); <-done }()
	err := d.settle(ctx)
	for err == nil {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err = <-rows:
			if err == nil {
				err = d.settle(ctx)
			}
		case <-d.h.settle:
			err = d.refresh(ctx)
		}
	}
	return err
}

// watch tells of every change of the database, and of its end.
func (d *database) watch(ctx context.Context, rows chan<- error) {
	for {
		_, err := d.client.Next(ctx)
		select {
		case rows <- err:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// settle makes the bridge what it must be, takes over who sits where, and writes which ports are installed.
func (d *database) settle(ctx context.Context) error {
	if policy.HostID(d.client.SystemID()) != d.h.id {
		return errRenamed
	}
	change, err := d.client.EnsureBridge(ctx, d.c.bridgeSpec(d.h.id))
	if errors.Is(err, ovsdb.ErrNoRoot) {
		return nil // ovs-vswitchd has not run yet; the row will come.
	}
	if err != nil {
		return err
	}
	if len(change.Written) > 0 {
		d.log.Info("configured the bridge", "written", change.Written)
	}
	if _, err := d.welcomeBack(ctx); err != nil {
		return err
	}
	if err := d.reseat(ctx, d.client.Snapshot()); err != nil {
		return err
	}
	return d.mark(ctx)
}

// refresh is settle for what did not come from the database: whose rows are what they were.
func (d *database) refresh(ctx context.Context) error {
	back, err := d.welcomeBack(ctx)
	if err != nil {
		return err
	}
	if back {
		if err := d.reseat(ctx, d.client.Snapshot()); err != nil {
			return err
		}
	}
	return d.mark(ctx)
}

// welcomeBack lets ports count again that the switch has reported again. The echo is answered after every update that
// the server made before: who sits there now is known then. It reports whether there were any.
func (d *database) welcomeBack(ctx context.Context) (any bool, err error) {
	var back []uint16
	d.h.change(func() {
		for n := range d.h.back {
			back = append(back, n)
		}
		clear(d.h.back)
	})
	if len(back) == 0 {
		return false, nil
	}
	_, err = d.client.Call(ctx, "echo")
	d.h.change(func() {
		for _, n := range back {
			if err != nil {
				d.h.back[n] = true
			} else {
				delete(d.h.gone, n)
			}
		}
	})
	return true, err
}

// reseat takes over the seating. Marks of interfaces that are not what they were go first.
func (d *database) reseat(ctx context.Context, s *ovsdb.Snapshot) error {
	bridge := d.c.options.Bridge.Name
	var moved []ovsdb.UUID
	d.h.look(func() {
		now := seatingOf(s, bridge, d.h.gone)
		for _, old := range d.h.seating.seats {
			if now.seats[old.ofport] != old {
				moved = append(moved, old.row)
			}
		}
	})
	if err := d.client.ClearInstalled(ctx, moved...); err != nil {
		return err
	}
	var before, after []string
	d.h.look(func() { before = d.h.portProblems() })
	d.c.model.reseat(d.h, s, bridge)
	d.h.look(func() { after = d.h.portProblems() })
	for _, p := range without(after, before) {
		d.log.Warn("a port of the bridge can't be used", "problem", p)
	}
	return nil
}

// mark brings the installed marks up to date: those that say what is not so any more are cleared, those of ports
// whose flows the switch has confirmed are set.
func (d *database) mark(ctx context.Context) error {
	s := d.client.Snapshot()
	set, clear := d.h.marksOf(s, d.c.options.Bridge.Name)
	if err := d.client.ClearInstalled(ctx, clear...); err != nil {
		return err
	}
	stale, err := d.client.SetInstalled(ctx, set...)
	if len(stale) > 0 {
		d.log.Debug("interfaces changed before they could be marked as installed", "rows", stale)
	}
	return err
}

// leave notes that the database is gone. Ports stay seated for as long as the switch stays connected.
func (d *database) leave() {
	d.c.bindings.drop(d.h)
	d.h.change(func() { d.h.seen, d.h.client = false, nil })
}
