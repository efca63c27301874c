package ofeval

import (
	"fmt"
	"slices"

	"conjunct/openflow"
)

// Limits of Open vSwitch (ofproto/ofproto-dpif-xlate.c: MAX_DEPTH, MAX_RESUBMITS; lib/dpif-netdev.c: MAX_RECIRC_DEPTH).
const (
	maxDepth  = 64
	maxVisits = 4096
	maxPasses = 6
)

// A pass takes a packet through the tables and makes the list of what is to be done with it.
type pass struct {
	tables  Tables
	journey *Journey
	number  int
	count   bool // whether flows count the packet

	p      *Packet
	todo   []operation
	depth  int // of resubmits that may go round
	level  int // of all resubmits
	visits int
	over   bool // an exit, or a problem
}

// An operation is a datapath action. packet is the packet as it is then.
type operation struct {
	packet Packet
	kind   operationKind
	port   openflow.Port // of an output
	ct     ctAction
	table  uint8 // where a tracked packet goes on; NoTable for nowhere
}

type operationKind uint8

const (
	doOutput operationKind = iota
	doTrack
	doForget
)

// visit looks the packet up in a table and does what the flow says. deeper is for a resubmit that may go round.
func (x *pass) visit(table uint8, deeper bool) {
	if x.over {
		return
	}
	if deeper {
		x.depth++
		defer func() { x.depth-- }()
	}
	if x.visits++; x.depth > maxDepth || x.visits > maxVisits {
		x.fail("too many resubmits")
		return
	}
	hit := x.tables.Lookup(table, x.p)
	r := hit.Rule
	step := Step{Pass: x.number, Depth: x.level, Table: table, Hit: r != nil}
	if len(x.journey.Steps) == 0 || x.journey.Steps[len(x.journey.Steps)-1].Pass != x.number {
		step.Sees = x.p.String()
	}
	if r == nil {
		x.journey.Steps = append(x.journey.Steps, step)
		return
	}
	step.Flow = r.Flow
	for _, c := range hit.Components {
		step.Components = append(step.Components, c.Flow)
	}
	x.journey.Steps = append(x.journey.Steps, step)
	if x.count && r.count != nil {
		*r.count++
	}
	if r.Flow.Instructions != nil {
		x.fail("instructions other than apply_actions and goto_table")
		return
	}
	for _, a := range r.Flow.Actions {
		if x.act(a, table); x.over {
			return
		}
	}
	if r.Flow.Goto != 0 {
		x.visit(r.Flow.Goto, false)
	}
}

// fail drops the packet: what the pass has gathered is not done.
func (x *pass) fail(format string, args ...any) {
	x.over, x.todo = true, nil
	if x.journey.Problem == "" {
		x.journey.Problem = fmt.Sprintf(format, args...)
	}
}

// act does one action.
func (x *pass) act(a openflow.Action, table uint8) {
	switch a := a.(type) {
	case openflow.Output:
		x.output(a.Port)
	case openflow.SetField:
		if x.p.has(a.Field) {
			x.p.set(a.Field, fromBits(a.Value), fromBits(a.Mask))
		}
	case openflow.Move:
		x.p.move(a)
	case openflow.Resubmit:
		x.resubmit(a, table)
	case openflow.CT:
		x.track(a)
	case openflow.CTClear:
		x.p.setTracked(tracked{})
		x.add(operation{kind: doForget})
	case openflow.PushVLAN:
		x.p.pushVLAN()
	case openflow.PopVLAN:
		x.p.popVLAN()
	case openflow.DecTTL:
		x.decrementTTL()
	case openflow.Exit:
		x.over = true
	case openflow.Conjunction, openflow.Note:
	default:
		x.fail("action %s is not modelled", a)
	}
}

func (x *pass) add(o operation) {
	o.packet = *x.p
	x.todo = append(x.todo, o)
}

// resubmit looks up elsewhere, with another in_port if the action names one, and comes back.
func (x *pass) resubmit(a openflow.Resubmit, table uint8) {
	if a.CT {
		x.fail("action %s is not modelled", a)
		return
	}
	to := a.Table
	if to == openflow.NoTable {
		to = table
	}
	saved := x.p.fields[openflow.InPort]
	if a.Port != 0 && a.Port != openflow.PortInPort {
		x.p.setNumber(openflow.InPort, uint64(a.Port))
	}
	x.level++
	x.visit(to, to <= table)
	x.level--
	x.p.fields[openflow.InPort] = saved
}

// output sends the packet to a port, but not back to where it came from, unless that is what the action says.
func (x *pass) output(port openflow.Port) {
	in := openflow.Port(x.p.number(openflow.InPort))
	switch port {
	case openflow.PortInPort:
		x.add(operation{kind: doOutput, port: in})
	case openflow.PortNormal, openflow.PortFlood, openflow.PortAll:
		for _, p := range x.tables.Ports() {
			if p != in {
				x.add(operation{kind: doOutput, port: p})
			}
		}
	case openflow.PortController:
		x.add(operation{kind: doOutput, port: port})
	case openflow.PortTable:
		x.fail("output to TABLE is not modelled")
	default:
		if port != in && slices.Contains(x.tables.Ports(), port) {
			x.add(operation{kind: doOutput, port: port})
		}
	}
}

func (x *pass) decrementTTL() {
	if !x.p.has(openflow.IPTTL) {
		return
	}
	ttl := x.p.number(openflow.IPTTL)
	if ttl <= 1 {
		x.over = true
		return
	}
	x.p.setNumber(openflow.IPTTL, ttl-1)
}

// track translates a ct action. What a commit sets of mark and label is read from the packet at this point.
func (x *pass) track(a openflow.CT) {
	ct := ctAction{commit: a.Commit, force: a.Force, zone: a.Zone}
	if !a.ZoneSrc.IsZero() {
		ct.zone = uint16(x.p.subfield(a.ZoneSrc).lo)
	}
	scratch := *x.p
	for _, e := range a.Exec {
		var f openflow.Field
		var mask value
		switch e := e.(type) {
		case openflow.SetField:
			f, mask = e.Field, fromBits(e.Mask)
			scratch.set(e.Field, fromBits(e.Value), mask)
		case openflow.Move:
			f, mask = e.Dst.Field, ones(uint(e.Dst.N)).shiftLeft(uint(e.Dst.Ofs))
			scratch.move(e)
		default:
			x.fail("action %s is not modelled", e)
			return
		}
		change := &ct.mark
		if f == openflow.CTLabel {
			change = &ct.label
		}
		if *change == nil {
			*change = &condition{slot: f}
		}
		(*change).mask = (*change).mask.or(mask)
		(*change).value = scratch.get(f).and((*change).mask)
	}
	x.add(operation{kind: doTrack, ct: ct, table: a.Table})
	x.p.clearTracked() // what is found out is known only where the packet goes on
}
