package ovsdb

import (
	"cmp"
	"context"
	"slices"
)

// A Client is a connection together with the monitored state behind it. Its methods
// may be called from any goroutine; Next is for one.
type Client struct {
	*Conn
	cache *cache
}

// A Change says that rows have changed, not what happened to them: compare them in
// Snapshot with what was done about them before. A row that isn't in Snapshot is gone.
type Change struct {
	Rows     []RowRef // sorted by table and UUID
	Snapshot *Snapshot
}

// NewClient starts to monitor over conn and returns when the first state is there.
// The client owns conn from here on, also when it fails.
func NewClient(ctx context.Context, conn *Conn) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, conn.options.Setup)
	defer cancel()
	c := &Client{Conn: conn, cache: newCache()}
	if err := conn.monitor(ctx, c.cache.tables(), c.cache.apply); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// Snapshot is the state now. It remains readable after the connection has ended.
func (c *Client) Snapshot() *Snapshot { return c.cache.snapshot() }

// SystemID is the name that the hypervisor gives itself; see [Snapshot.SystemID].
func (c *Client) SystemID() string { return c.Snapshot().SystemID() }

// Next waits until rows have changed since the last call (the first call returns all
// rows at once), or the connection or ctx ends.
func (c *Client) Next(ctx context.Context) (Change, error) {
	for {
		select {
		case <-c.cache.wake:
		case <-c.Done():
			return Change{}, c.Err()
		case <-ctx.Done():
			return Change{}, context.Cause(ctx)
		}
		rows, snapshot := c.cache.take()
		if len(rows) == 0 && snapshot.Generation > 1 {
			continue
		}
		slices.SortFunc(rows, compareRefs)
		return Change{Rows: rows, Snapshot: snapshot}, nil
	}
}

func compareRefs(a, b RowRef) int {
	return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.UUID.String(), b.UUID.String()))
}
