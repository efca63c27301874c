package ovsdb

import (
	"fmt"
	"sync"
)

// A RowRef names a row.
type RowRef struct {
	Table string
	UUID  UUID
}

// A cache is the monitored part of one database as one connection sees it. The
// connection's reader writes it, anybody reads snapshots of it.
type cache struct {
	mu          sync.Mutex
	openVSwitch *table[OpenVSwitch]
	bridges     *table[Bridge]
	ports       *table[Port]
	interfaces  *table[Interface]
	controllers *table[Controller]

	generation uint64
	latest     *Snapshot           // nil after a change, until somebody asks
	touched    map[RowRef]struct{} // since the last take
	wake       chan struct{}       // holds a token while touched may be non-empty
}

func newCache() *cache {
	return &cache{
		openVSwitch: newTable(TableOpenVSwitch, openVSwitchColumns, func(r *OpenVSwitch, id UUID) { r.UUID = id }),
		bridges:     newTable(TableBridge, bridgeColumns, func(r *Bridge, id UUID) { r.UUID = id }),
		ports:       newTable(TablePort, portColumns, func(r *Port, id UUID) { r.UUID = id }),
		interfaces:  newTable(TableInterface, interfaceColumns, func(r *Interface, id UUID) { r.UUID = id }),
		controllers: newTable(TableController, controllerColumns, func(r *Controller, id UUID) { r.UUID = id }),
		touched:     make(map[RowRef]struct{}),
		wake:        make(chan struct{}, 1),
	}
}

func (c *cache) tables() []rowTable {
	return []rowTable{c.openVSwitch, c.bridges, c.ports, c.interfaces, c.controllers}
}

// apply takes over one update: the effect of one transaction, or of several that the
// server has merged.
func (c *cache) apply(u databaseUpdates) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := 0
	for _, t := range c.tables() {
		rows, ok := u[t.name()]
		if !ok {
			continue
		}
		asked++
		for id, row := range rows {
			if err := t.apply(id, row); err != nil {
				return err
			}
			c.touched[RowRef{t.name(), id}] = struct{}{}
		}
	}
	if asked != len(u) {
		return fmt.Errorf("%w: update of a table that was not asked for", errFrame)
	}
	c.generation++
	c.latest = nil
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return nil
}

func (c *cache) snapshot() *Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snapshotLocked()
}

func (c *cache) snapshotLocked() *Snapshot {
	if c.latest == nil {
		c.latest = &Snapshot{
			Generation:  c.generation,
			Roots:       c.openVSwitch.snapshot(),
			Bridges:     c.bridges.snapshot(),
			PortRows:    c.ports.snapshot(),
			Interfaces:  c.interfaces.snapshot(),
			Controllers: c.controllers.snapshot(),
		}
	}
	return c.latest
}

// take returns the rows touched since the last take, in no order, and the state that
// holds all of that. No rows means that nothing has happened.
func (c *cache) take() ([]RowRef, *Snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows := make([]RowRef, 0, len(c.touched))
	for ref := range c.touched {
		rows = append(rows, ref)
	}
	clear(c.touched)
	return rows, c.snapshotLocked()
}
