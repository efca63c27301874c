package ofeval

import "conjunct/openflow"

// Tables are what packets go through.
type Tables interface {
	// Lookup returns what the packet meets in a table.
	Lookup(table uint8, p *Packet) Hit
	// Ports lists the ports by number.
	Ports() []openflow.Port
}

// A Datapath carries out what tables say, and tracks connections and fragments meanwhile. The zero Datapath knows of none. It is
// used by one goroutine at a time.
type Datapath struct {
	tracker   tracker
	fragments reassembler
}

// Inject takes a packet, metadata included, through the tables from one of them on. Flows count it, connections take note of it.
func (d *Datapath) Inject(t Tables, table uint8, p Packet) Journey {
	var j Journey
	d.run(t, &j, p, table, 0)
	return j
}

// FlushZone forgets the connections of a zone.
func (d *Datapath) FlushZone(zone uint16) { d.tracker.flush(zone) }

// run takes a packet through a pass that begins at table, and does what that says.
func (d *Datapath) run(t Tables, j *Journey, p Packet, table uint8, number int) {
	if number >= maxPasses {
		j.Problem = "too many passes"
		return
	}
	parts := []Packet{p}
	x := pass{tables: t, journey: j, number: j.nextPass(), count: true, p: &p}
	x.visit(table, false)
	for i := range x.todo {
		o := &x.todo[i]
		switch o.kind {
		case doOutput:
			for k := range parts {
				j.emit(o.port, o.packet.overlaid(&parts[k]))
			}
		case doForget:
			for k := range parts {
				parts[k].track = tracked{}
			}
		case doTrack:
			parts = d.track(o, parts)
			if o.table == openflow.NoTable {
				continue
			}
			for k := range parts {
				next := o.packet.overlaid(&parts[k])
				next.setTracked(parts[k].track)
				d.run(t, j, next, o.table, number+1)
			}
		}
	}
}

// track sends packets through connection tracking. Fragments wait there until the packet is whole, and then all get what is
// found out about it.
func (d *Datapath) track(o *operation, parts []Packet) []Packet {
	var out []Packet
	for i := range parts {
		p := o.packet.overlaid(&parts[i])
		if p.frag.of == 0 {
			d.tracker.execute(&p, &o.ct)
			out = append(out, p)
			continue
		}
		whole := d.fragments.add(p, o.ct.zone)
		if whole == nil {
			continue
		}
		first := whole[0]
		d.tracker.execute(&first, &o.ct)
		for _, part := range whole {
			part.track = first.track
			out = append(out, part)
		}
	}
	return out
}

// nextPass returns the number of the next pass.
func (j *Journey) nextPass() int {
	if len(j.Steps) == 0 {
		return 0
	}
	return j.Steps[len(j.Steps)-1].Pass + 1
}

func (j *Journey) emit(port openflow.Port, p Packet) {
	j.Outputs = append(j.Outputs, Output{Port: port, VLANs: p.VLANs(), Packet: p})
}

// Trace shows where a packet with all its metadata (in_port, registers, ct_state and what it implies) would go from a table on, and
// has no effect on connections, fragments and counts. After each ct(table=N) the packet goes on with the next of the states given, and with
// +trk+new when there is none left, as in ofproto/trace.
func Trace(t Tables, table uint8, p Packet, states ...uint8) Journey {
	var j Journey
	resume(t, &j, p, table, &states)
	return j
}

func resume(t Tables, j *Journey, p Packet, table uint8, next *[]uint8) {
	type pending struct {
		p     Packet
		table uint8
	}
	for queue := []pending{{p, table}}; len(queue) > 0; queue = queue[1:] {
		p, table := queue[0].p, queue[0].table
		x := pass{tables: t, journey: j, number: j.nextPass(), p: &p}
		x.visit(table, false)
		for i := range x.todo {
			switch o := &x.todo[i]; {
			case o.kind == doOutput:
				j.emit(o.port, o.packet)
			case o.kind == doTrack && o.table != openflow.NoTable:
				state := uint8(openflow.CTTracked | openflow.CTNew)
				if len(*next) > 0 {
					state, *next = (*next)[0], (*next)[1:]
				}
				o.packet.setNumber(openflow.CTState, uint64(state))
				o.packet.setNumber(openflow.CTZone, uint64(o.ct.zone))
				if len(queue) < maxVisits {
					queue = append(queue, pending{o.packet, o.table})
				}
			}
		}
	}
}
