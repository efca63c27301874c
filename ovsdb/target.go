package ovsdb

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A targetPlan is what to do about the controllers of a bridge.
type targetPlan struct {
	ops     []Op // on Controller rows
	add     Set  // to Bridge.controller
	remove  Set  // from Bridge.controller
	written []string
}

const defaultOwner = "controller"

// planTargets compares the controllers of a bridge (nil for one to be made) with the
// spec's targets. Two rows of one target can stand in a bridge, since nothing in the
// schema forbids it: the first is adopted, further ones go if they are ours.
func planTargets(s *Snapshot, have *Bridge, spec BridgeSpec) targetPlan {
	var plan targetPlan
	owner := cmp.Or(spec.Owner, defaultOwner)
	rows := controllersOf(s, have)
	kept := make(map[string]bool, len(rows))
	for _, row := range rows {
		wanted := slices.Contains(spec.Targets, row.Target)
		switch {
		case wanted && !kept[row.Target]:
			kept[row.Target] = true
			plan.adopt(row, spec, owner)
		case row.ExternalIDs[keyOwner] == owner:
			plan.remove = append(plan.remove, row.UUID)
			plan.note(row.Target, "removed")
		}
	}
	for i, target := range spec.Targets {
		if kept[target] {
			continue
		}
		kept[target] = true
		row := spec.targetRow(&Controller{})
		row["target"] = String(target)
		row["external_ids"] = StringMap(map[string]string{keyOwner: owner})
		name := fmt.Sprintf("controller%d", i)
		plan.ops = append(plan.ops, Insert{Table: TableController, Row: row, UUIDName: name})
		plan.add = append(plan.add, NamedUUID(name))
		plan.note(target, "added")
	}
	return plan
}

// controllersOf lists the rows of a bridge by UUID, so that every controller process
// takes the same one of two.
func controllersOf(s *Snapshot, b *Bridge) []*Controller {
	if b == nil {
		return nil
	}
	var rows []*Controller
	for _, id := range b.Controllers {
		if row := s.Controllers[id]; row != nil {
			rows = append(rows, row)
		}
	}
	return rows
}

// adopt gives a row the settings and the mark that it lacks.
func (p *targetPlan) adopt(row *Controller, spec BridgeSpec, owner string) {
	update := spec.targetRow(row)
	mark := missing(row.ExternalIDs, map[string]string{keyOwner: owner})
	if len(update) > 0 {
		p.ops = append(p.ops, Update{Table: TableController, Where: ByUUID(row.UUID), Row: update})
	}
	if len(mark) > 0 {
		p.ops = append(p.ops, Mutate{Table: TableController, Where: ByUUID(row.UUID),
			Mutations: setKeys("external_ids", mark)})
	}
	if len(update)+len(mark) > 0 {
		p.note(row.Target, "changed")
	}
}

func (p *targetPlan) note(target, verb string) {
	p.written = append(p.written, "controller "+target+" "+verb)
}

// mutations of the bridge's row.
func (p *targetPlan) mutations() []Mutation {
	var list []Mutation
	if len(p.remove) > 0 {
		list = append(list, Mutation{"controller", "delete", p.remove})
	}
	if len(p.add) > 0 {
		list = append(list, Mutation{"controller", "insert", p.add})
	}
	return list
}

// targetRow are the columns of a Controller row that the spec decides, where have differs.
func (spec BridgeSpec) targetRow(have *Controller) Row {
	row := Row{}
	if spec.ConnectionMode != "" && spec.ConnectionMode != have.ConnectionMode {
		row["connection_mode"] = String(spec.ConnectionMode)
	}
	for _, ms := range []struct {
		column string
		want   time.Duration
		have   *int64
	}{
		{"inactivity_probe", spec.InactivityProbe, have.InactivityProbe},
		{"max_backoff", spec.MaxBackoff, have.MaxBackoff},
	} {
		want := ms.want.Milliseconds()
		if want != 0 && (ms.have == nil || *ms.have != want) {
			row[ms.column] = Integer(want)
		}
	}
	return row
}
