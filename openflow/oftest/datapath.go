package oftest

import "conjunct/openflow"

// run takes a packet through a pass that begins at table, and does what that says.
func (s *Switch) run(j *Journey, p Packet, table uint8, number int) {
	if number >= maxPasses {
		j.Problem = "too many passes"
		return
	}
	parts := []Packet{p}
	x := pass{s: s, journey: j, number: j.nextPass(), count: true, p: &p}
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
			parts = s.track(o, parts)
			if o.table == openflow.NoTable {
				continue
			}
			for k := range parts {
				next := o.packet.overlaid(&parts[k])
				next.setTracked(parts[k].track)
				s.run(j, next, o.table, number+1)
			}
		}
	}
}

// track sends packets through connection tracking. Fragments wait there until the packet is whole, and then all get what is
// found out about it.
func (s *Switch) track(o *operation, parts []Packet) []Packet {
	var out []Packet
	for i := range parts {
		p := o.packet.overlaid(&parts[i])
		if p.frag.of == 0 {
			s.tracker.execute(&p, &o.ct)
			out = append(out, p)
			continue
		}
		whole := s.fragments.add(p, o.ct.zone)
		if whole == nil {
			continue
		}
		first := whole[0]
		s.tracker.execute(&first, &o.ct)
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

// resume is run without any effect on connections, fragments and counts: a tracked packet goes on with the next of the
// given states, and with +trk+new when there is none left, as in ofproto/trace.
func (s *Switch) resume(j *Journey, p Packet, table uint8, next *[]uint8) {
	type pending struct {
		p     Packet
		table uint8
	}
	for queue := []pending{{p, table}}; len(queue) > 0; queue = queue[1:] {
		p, table := queue[0].p, queue[0].table
		x := pass{s: s, journey: j, number: j.nextPass(), p: &p}
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
