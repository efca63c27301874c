package ovsdbtest

import (
	"context"
	"fmt"

	"conjunct/ovsdb"
)

// A Transactor runs transactions: a [Server], or an [ovsdb.Conn] to a real one. With
// the functions below a test plays the other users of a database: ovs-vsctl, which
// plugs, and ovs-vswitchd, which gives numbers.
type Transactor interface {
	Transact(context.Context, ...ovsdb.Op) ([]ovsdb.Result, error)
}

// A NIC is an interface to plug, with what ovs-vswitchd would find out about it.
type NIC struct {
	Name    string
	IfaceID string // external_ids:iface-id, "" for none
	OFPort  int64  // 0: not yet given
	MAC     string // in use, "" for not yet known
	Role    string // external_ids:conjunct-role of the Port, such as ovsdb.RoleUplink
}

// AddBridge makes a bridge with its local port, as ovs-vsctl add-br.
func AddBridge(ctx context.Context, t Transactor, name string) error {
	_, err := t.Transact(ctx,
		ovsdb.Insert{Table: "Interface", UUIDName: "i",
			Row: ovsdb.Row{"name": ovsdb.String(name), "type": ovsdb.String("internal")}},
		ovsdb.Insert{Table: "Port", UUIDName: "p",
			Row: ovsdb.Row{"name": ovsdb.String(name), "interfaces": ovsdb.NamedUUID("i")}},
		ovsdb.Insert{Table: "Bridge", UUIDName: "b",
			Row: ovsdb.Row{"name": ovsdb.String(name), "ports": ovsdb.NamedUUID("p")}},
		ovsdb.Mutate{Table: "Open_vSwitch", Mutations: []ovsdb.Mutation{
			{Column: "bridges", Mutator: "insert", Value: ovsdb.NamedUUID("b")}}})
	return err
}

// DeleteBridge removes a bridge with all that belongs to it, as ovs-vsctl del-br.
func DeleteBridge(ctx context.Context, t Transactor, name string) error {
	id, err := find(ctx, t, "Bridge", name)
	if err != nil {
		return err
	}
	_, err = t.Transact(ctx, ovsdb.Mutate{Table: "Open_vSwitch", Mutations: []ovsdb.Mutation{
		{Column: "bridges", Mutator: "delete", Value: id}}})
	return err
}

// Plug adds a port with one interface to a bridge, as ovs-vsctl add-port.
func Plug(ctx context.Context, t Transactor, bridge string, nic NIC) error {
	if _, err := find(ctx, t, "Bridge", bridge); err != nil {
		return err
	}
	iface := ovsdb.Row{"name": ovsdb.String(nic.Name)}
	if nic.IfaceID != "" {
		iface["external_ids"] = ovsdb.StringMap(map[string]string{"iface-id": nic.IfaceID})
	}
	if nic.OFPort != 0 {
		iface["ofport"] = ovsdb.Integer(nic.OFPort)
	}
	if nic.MAC != "" {
		iface["mac_in_use"] = ovsdb.String(nic.MAC)
	}
	port := ovsdb.Row{"name": ovsdb.String(nic.Name), "interfaces": ovsdb.NamedUUID("i")}
	if nic.Role != "" {
		port["external_ids"] = ovsdb.StringMap(map[string]string{"conjunct-role": nic.Role})
	}
	_, err := t.Transact(ctx,
		ovsdb.Insert{Table: "Interface", UUIDName: "i", Row: iface},
		ovsdb.Insert{Table: "Port", UUIDName: "p", Row: port},
		ovsdb.Mutate{Table: "Bridge", Where: byName(bridge), Mutations: []ovsdb.Mutation{
			{Column: "ports", Mutator: "insert", Value: ovsdb.NamedUUID("p")}}})
	return err
}

// Unplug removes a port, as ovs-vsctl del-port.
func Unplug(ctx context.Context, t Transactor, bridge, port string) error {
	id, err := find(ctx, t, "Port", port)
	if err != nil {
		return err
	}
	_, err = t.Transact(ctx, ovsdb.Mutate{Table: "Bridge", Where: byName(bridge), Mutations: []ovsdb.Mutation{
		{Column: "ports", Mutator: "delete", Value: id}}})
	return err
}

// SetOFPort gives an interface another OpenFlow port number, as ovs-vswitchd does when
// its device has come back; 0 takes it away.
func SetOFPort(ctx context.Context, t Transactor, iface string, ofport int64) error {
	var v ovsdb.Value = ovsdb.Set{}
	if ofport != 0 {
		v = ovsdb.Integer(ofport)
	}
	return Update(ctx, t, "Interface", iface, ovsdb.Row{"ofport": v})
}

// Update sets columns of the row of that name.
func Update(ctx context.Context, t Transactor, table, name string, columns ovsdb.Row) error {
	return one(t.Transact(ctx, ovsdb.Update{Table: table, Where: byName(name), Row: columns}))
}

// SetExternalID sets one key of external_ids of the row of that name.
func SetExternalID(ctx context.Context, t Transactor, table, name, key, value string) error {
	return one(t.Transact(ctx, ovsdb.Mutate{Table: table, Where: byName(name), Mutations: []ovsdb.Mutation{
		{Column: "external_ids", Mutator: "delete", Value: ovsdb.Strings(key)},
		{Column: "external_ids", Mutator: "insert", Value: ovsdb.StringMap(map[string]string{key: value})}}}))
}

// ExternalIDs reads external_ids of the row of that name.
func ExternalIDs(ctx context.Context, t Transactor, table, name string) (map[string]string, error) {
	results, err := t.Transact(ctx, ovsdb.Select{Table: table, Where: byName(name), Columns: []string{"external_ids"}})
	if err != nil {
		return nil, err
	}
	if len(results[0].Rows) != 1 {
		return nil, fmt.Errorf("ovsdbtest: %s %q: %d rows", table, name, len(results[0].Rows))
	}
	ids := map[string]string{}
	m, _ := results[0].Rows[0]["external_ids"].(ovsdb.Map)
	for _, p := range m {
		ids[string(p.Key.(ovsdb.String))] = string(p.Value.(ovsdb.String))
	}
	return ids, nil
}

func byName(name string) []ovsdb.Condition {
	return []ovsdb.Condition{ovsdb.Equal("name", ovsdb.String(name))}
}

func find(ctx context.Context, t Transactor, table, name string) (ovsdb.UUID, error) {
	results, err := t.Transact(ctx, ovsdb.Select{Table: table, Where: byName(name), Columns: []string{"_uuid"}})
	if err != nil {
		return ovsdb.UUID{}, err
	}
	if len(results[0].Rows) != 1 {
		return ovsdb.UUID{}, fmt.Errorf("ovsdbtest: %s %q: %d rows", table, name, len(results[0].Rows))
	}
	return results[0].Rows[0]["_uuid"].(ovsdb.UUID), nil
}

// one checks that an operation met exactly one row.
func one(results []ovsdb.Result, err error) error {
	if err == nil && results[0].Count != 1 {
		err = fmt.Errorf("ovsdbtest: %d rows, want 1", results[0].Count)
	}
	return err
}
