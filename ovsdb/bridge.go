package ovsdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// A BridgeSpec says what a bridge must look like. What it leaves zero, and every
// port, key and controller that it does not name, stays as it is.
type BridgeSpec struct {
	Name         string
	DatapathType string   // "system" or "netdev"
	DatapathID   string   // 16 lower case hexadecimal digits, not all zero
	FailMode     string   // "secure" or "standalone"
	Protocols    []string // exactly these, such as "OpenFlow15"
	// DisableInBand keeps the switch from adding hidden flows for reaching controllers.
	DisableInBand bool
	ExternalIDs   map[string]string // keys to have

	// Targets are the OpenFlow controllers to have, such as "ssl:10.0.0.1:6653". A row
	// with the same target is adopted whoever made it. Rows with other targets are
	// removed if they bear Owner's mark.
	Targets []string
	// Owner is the mark, external_ids:conjunct of the Controller row. Default "controller".
	Owner           string
	ConnectionMode  string        // of each target: "out-of-band" or "in-band"
	InactivityProbe time.Duration // of each target, whole milliseconds
	MaxBackoff      time.Duration // of each target, at least 1 s
}

// A BridgeChange tells what EnsureBridge has written.
type BridgeChange struct {
	Created bool
	// Written names the settings written, such as "fail_mode", "other_config:datapath-id"
	// or "controller tcp:10.0.0.1:6653 added". Empty if all was as it should be.
	Written []string
}

var datapathID = regexp.MustCompile(`^[0-9a-f]{16}$`)

func (spec BridgeSpec) validate() error {
	switch {
	case spec.Name == "":
		return errors.New("ovsdb: bridge without a name")
	case spec.DatapathID == "":
	case !datapathID.MatchString(spec.DatapathID) || spec.DatapathID == "0000000000000000":
		return fmt.Errorf("ovsdb: bridge %s: datapath id %q: want 16 lower case hexadecimal digits, not all zero",
			spec.Name, spec.DatapathID)
	}
	return nil
}

// guardTries bounds how often an operation plans anew because others were faster. A
// guard that failed means that somebody else got ahead, so even many controllers
// at once need few.
const guardTries = 10

// EnsureBridge creates the bridge with its local port, or adopts the one there is,
// and gives it what spec says: in one transaction, or without any if nothing differs.
// Any number of controllers may do so at once. It does not wait for ovs-vswitchd to
// carry it out; [Bridge.DatapathID] appears when it has.
func (c *Client) EnsureBridge(ctx context.Context, spec BridgeSpec) (BridgeChange, error) {
	if err := spec.validate(); err != nil {
		return BridgeChange{}, err
	}
	for try := range guardTries {
		plan, err := planBridge(c.Snapshot(), spec)
		if err != nil || len(plan.ops) == 0 {
			return BridgeChange{}, err
		}
		_, err = c.Transact(ctx, plan.ops...)
		if err == nil {
			return plan.change, nil
		}
		if !IsGuardFailed(err) {
			return BridgeChange{}, fmt.Errorf("bridge %s: %w", spec.Name, err)
		}
		sleep(ctx, time.Duration(try)*10*time.Millisecond) // for the update to arrive
	}
	return BridgeChange{}, fmt.Errorf("bridge %s: %w", spec.Name, ErrContended)
}

// A bridgePlan is the transaction that makes a snapshot's bridge equal to a spec.
type bridgePlan struct {
	ops    []Op
	change BridgeChange
}

// planBridge computes the transaction; without operations there is nothing to do.
func planBridge(s *Snapshot, spec BridgeSpec) (bridgePlan, error) {
	root := s.Root()
	if root == nil {
		return bridgePlan{}, ErrNoRoot
	}
	have := s.Bridge(spec.Name)
	if have == nil {
		return planCreate(root, spec), nil
	}
	return planAdopt(s, have, spec), nil
}

// named-uuids of the rows that a transaction creates.
const (
	newBridge    = NamedUUID("bridge")
	newPort      = NamedUUID("port")
	newInterface = NamedUUID("interface")
)

func planCreate(root *OpenVSwitch, spec BridgeSpec) bridgePlan {
	row := Row{"name": String(spec.Name), "ports": newPort}
	for _, s := range spec.scalars(&Bridge{}) {
		row[s.column] = s.value
	}
	if pairs := spec.otherConfig(); len(pairs) > 0 {
		row["other_config"] = StringMap(pairs)
	}
	if len(spec.ExternalIDs) > 0 {
		row["external_ids"] = StringMap(spec.ExternalIDs)
	}
	targets := planTargets(nil, nil, spec)
	if len(targets.add) > 0 {
		row["controller"] = targets.add
	}
	ops := []Op{
		Comment("conjunct: create bridge " + spec.Name),
		exists(TableOpenVSwitch, root.UUID),
		Wait{Table: TableBridge, Where: []Condition{Equal("name", String(spec.Name))},
			Columns: []string{"name"}, Until: "=="},
		Insert{Table: TableInterface, UUIDName: string(newInterface),
			Row: Row{"name": String(spec.Name), "type": String("internal")}},
		Insert{Table: TablePort, UUIDName: string(newPort),
			Row: Row{"name": String(spec.Name), "interfaces": newInterface}},
	}
	ops = append(ops, targets.ops...)
	ops = append(ops,
		Insert{Table: TableBridge, UUIDName: string(newBridge), Row: row},
		Mutate{Table: TableOpenVSwitch, Where: ByUUID(root.UUID),
			Mutations: []Mutation{{"bridges", "insert", newBridge}}})
	written := append([]string{"bridge " + spec.Name + " created"}, targets.written...)
	return bridgePlan{ops, BridgeChange{Created: true, Written: written}}
}

func planAdopt(s *Snapshot, have *Bridge, spec BridgeSpec) bridgePlan {
	var ops []Op
	var written []string

	update := Row{}
	for _, scalar := range spec.scalars(have) {
		update[scalar.column] = scalar.value
		written = append(written, scalar.column)
	}
	if len(update) > 0 {
		ops = append(ops, Update{Table: TableBridge, Where: ByUUID(have.UUID), Row: update})
	}

	var mutations []Mutation
	for _, m := range []struct {
		column     string
		have, want map[string]string
	}{
		{"other_config", have.OtherConfig, spec.otherConfig()},
		{"external_ids", have.ExternalIDs, spec.ExternalIDs},
	} {
		differing := missing(m.have, m.want)
		mutations = append(mutations, setKeys(m.column, differing)...)
		written = append(written, keysOf(m.column, differing)...)
	}

	targets := planTargets(s, have, spec)
	mutations = append(mutations, targets.mutations()...)
	written = append(written, targets.written...)
	ops = append(ops, targets.ops...)
	if len(mutations) > 0 {
		ops = append(ops, Mutate{Table: TableBridge, Where: ByUUID(have.UUID), Mutations: mutations})
	}
	if len(ops) == 0 {
		return bridgePlan{}
	}
	// Which controllers the bridge has is what the plan relies on: two of us must not
	// add the same target twice.
	guard := Wait{Table: TableBridge, Where: ByUUID(have.UUID), Columns: []string{"controller"},
		Until: "==", Rows: []Row{{"controller": UUIDs(have.Controllers...)}}}
	ops = append([]Op{Comment("conjunct: adopt bridge " + spec.Name), guard}, ops...)
	return bridgePlan{ops, BridgeChange{Written: written}}
}

// exists is a guard that the row is still there.
func exists(table string, id UUID) Wait {
	return Wait{Table: table, Where: ByUUID(id), Columns: []string{"_uuid"},
		Until: "==", Rows: []Row{{"_uuid": id}}}
}

// A setting is a column and the value it must get.
type setting struct {
	column string
	value  Value
}

// scalars are the columns whose whole value the spec decides, where have differs.
func (spec BridgeSpec) scalars(have *Bridge) []setting {
	var list []setting
	if spec.DatapathType != "" && spec.DatapathType != cmp.Or(have.DatapathType, "system") {
		list = append(list, setting{"datapath_type", String(spec.DatapathType)})
	}
	if spec.FailMode != "" && spec.FailMode != have.FailMode {
		list = append(list, setting{"fail_mode", String(spec.FailMode)})
	}
	if want := slices.Sorted(slices.Values(spec.Protocols)); len(want) > 0 && !slices.Equal(want, have.Protocols) {
		list = append(list, setting{"protocols", Strings(want...)})
	}
	return list
}

// otherConfig are the keys of other_config that the spec decides.
func (spec BridgeSpec) otherConfig() map[string]string {
	pairs := map[string]string{}
	if spec.DatapathID != "" {
		pairs["datapath-id"] = spec.DatapathID
	}
	if spec.DisableInBand {
		pairs["disable-in-band"] = "true"
	}
	return pairs
}
