package ovsdb

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Installed is the content of external_ids:conjunct-installed of an Interface: the
// switch has confirmed all flows of this port, for this OpenFlow port number and this
// MAC address, at this revision. On the wire "<revision> <ofport> <mac>".
type Installed struct {
	Revision uint64
	OFPort   int64
	MAC      string
}

func (i Installed) String() string {
	return fmt.Sprintf("%d %d %s", i.Revision, i.OFPort, i.MAC)
}

// ParseInstalled reads what String writes.
func ParseInstalled(s string) (Installed, error) {
	parts := strings.Split(s, " ")
	if len(parts) != 3 {
		return Installed{}, fmt.Errorf("ovsdb: %.80q is not an installed mark", s)
	}
	revision, err := strconv.ParseUint(parts[0], 10, 64)
	if err != nil {
		return Installed{}, fmt.Errorf("ovsdb: installed mark: revision: %w", err)
	}
	ofport, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return Installed{}, fmt.Errorf("ovsdb: installed mark: ofport: %w", err)
	}
	return Installed{revision, ofport, parts[2]}, nil
}

// A Mark is an installed mark to be set on an interface, if that is still what the
// flows were installed for: the same row, the same OpenFlow port number (Value.OFPort)
// and the same iface-id.
type Mark struct {
	Interface UUID   // BridgePort.InterfaceUUID
	IfaceID   string // BridgePort.IfaceID
	Value     Installed
}

// SetInstalled sets marks in one transaction, each under its own condition, so that
// one interface that was re-plugged meanwhile does not hold back the others. It
// returns the interfaces that no longer were what their mark says; those keep what
// they had. Marks that are there already are not written. Other keys are not touched.
func (c *Client) SetInstalled(ctx context.Context, marks ...Mark) (stale []UUID, err error) {
	snapshot := c.Snapshot()
	var ops []Op
	var written []UUID
	for _, m := range marks {
		iface := snapshot.Interfaces[m.Interface]
		switch {
		case iface == nil || !m.holds(iface):
			stale = append(stale, m.Interface)
		case iface.ExternalIDs[keyInstalled] != m.Value.String():
			ops = append(ops, m.op())
			written = append(written, m.Interface)
		}
	}
	if len(ops) == 0 {
		return stale, nil
	}
	results, err := c.Transact(ctx, ops...)
	if err != nil {
		return nil, fmt.Errorf("installed marks: %w", err)
	}
	for i, r := range results {
		if r.Count == 0 {
			stale = append(stale, written[i])
		}
	}
	return stale, nil
}

// holds tells whether the interface is what the mark is about.
func (m Mark) holds(iface *Interface) bool {
	return iface.OFPort == m.Value.OFPort && iface.ExternalIDs[keyIfaceID] == m.IfaceID
}

// op sets the mark where holds still holds when the server gets to it.
func (m Mark) op() Op {
	where := []Condition{Equal("_uuid", m.Interface), Equal("ofport", Integer(m.Value.OFPort))}
	if m.IfaceID != "" { // that a key is absent is nothing a condition can say
		where = append(where, Includes("external_ids", StringMap(map[string]string{keyIfaceID: m.IfaceID})))
	}
	return Mutate{Table: TableInterface, Where: where,
		Mutations: setKeys("external_ids", map[string]string{keyInstalled: m.Value.String()})}
}

// ClearInstalled removes the marks of these interfaces in one transaction, or without
// any if none has one. An interface that is gone needs nothing.
func (c *Client) ClearInstalled(ctx context.Context, interfaces ...UUID) error {
	snapshot := c.Snapshot()
	var ops []Op
	for _, id := range interfaces {
		iface := snapshot.Interfaces[id]
		if iface == nil {
			continue
		}
		if _, marked := iface.ExternalIDs[keyInstalled]; marked {
			ops = append(ops, Mutate{Table: TableInterface, Where: ByUUID(id),
				Mutations: []Mutation{dropKeys("external_ids", keyInstalled)}})
		}
	}
	if len(ops) == 0 {
		return nil
	}
	if _, err := c.Transact(ctx, ops...); err != nil {
		return fmt.Errorf("clear installed marks: %w", err)
	}
	return nil
}
