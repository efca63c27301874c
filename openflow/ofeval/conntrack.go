package ofeval

import "conjunct/openflow"

// A tracker keeps the connections of all zones (lib/conntrack.c of Open vSwitch, without time-outs, NAT and ALG).
type tracker struct {
	conns map[tuple]*connection // by the tuple of the packet that opened it
}

// A connection is committed: a packet came through ct(commit).
type connection struct {
	opened tuple
	mark   uint32
	label  value
	state  protocolState
}

// tracked is what connection tracking has attached to a packet. It goes with the packet from pass to pass, until ct_clear.
type tracked struct {
	state  uint8 // bits of ct_state; 0: untracked
	zone   uint16
	mark   uint32
	label  value
	origin tuple // of the packet that opened the connection; zero when there is none
	conn   *connection
	reply  bool
}

// A verdict is what a connection's protocol says about a packet.
type verdict uint8

const (
	verdictEstablished verdict = iota
	verdictNew                 // known, but not answered yet
	verdictReopens             // the connection is over, and this packet opens the next one
	verdictInvalid
)

// ctAction is a ct action as a pass has translated it.
type ctAction struct {
	commit, force bool
	zone          uint16
	mark, label   *condition // what a commit sets, under a mask
}

// execute tracks a whole packet and attaches the result to it (conntrack_execute and process_one).
func (t *tracker) execute(p *Packet, a *ctAction) {
	m := &p.track
	if m.conn != nil && t.conns[m.conn.opened] == m.conn && m.conn.opened.zone == a.zone && !a.force {
		m.zone = a.zone // looked up before, by an earlier ct() of the same zone: the state stays
		m.mark, m.label = m.conn.mark, m.conn.label
		m.setMark(a)
		return
	}
	key, related, ok := tupleOf(p, a.zone)
	if !ok {
		*m = tracked{state: openflow.CTInvalid | openflow.CTTracked, zone: a.zone}
		return
	}
	if m.state != 0 && m.zone != a.zone {
		m.state = 0
	}
	t.process(p, key, related, a)
}

// process finds or makes the connection of a packet.
func (t *tracker) process(p *Packet, key tuple, related bool, a *ctAction) {
	m := &p.track
	conn, reply := t.lookup(key)
	if conn != nil && a.force && reply {
		delete(t.conns, conn.opened)
		conn = nil
	}
	opens := conn == nil && !related
	switch {
	case conn != nil && related:
		m.state |= openflow.CTRelated | replyBit(reply)
	case conn != nil:
		switch conn.state.update(p, reply) {
		case verdictEstablished:
			m.state = m.state&^openflow.CTNew | openflow.CTEstablished | replyBit(reply)
		case verdictNew:
			m.state |= openflow.CTNew
		case verdictInvalid:
			m.state = openflow.CTInvalid
		case verdictReopens:
			delete(t.conns, conn.opened)
			conn, opens = nil, true
		}
	case related:
		m.state = openflow.CTInvalid
	}
	if opens {
		conn = t.open(p, key, a)
	}
	m.attach(conn, key, reply, a)
}

// open is for the first packet of a connection; only a commit keeps it.
func (t *tracker) open(p *Packet, key tuple, a *ctAction) *connection {
	if !mayOpen(p, key.proto) {
		p.track.state = openflow.CTInvalid
		return nil
	}
	p.track.state = openflow.CTNew
	if !a.commit {
		return nil
	}
	conn := &connection{opened: key, state: newProtocolState(p, key.proto)}
	if t.conns == nil {
		t.conns = make(map[tuple]*connection)
	}
	t.conns[key] = conn
	return conn
}

// attach writes the result (write_ct_md). Of a connection that is not kept the packet's own tuple is the original one.
func (m *tracked) attach(conn *connection, key tuple, reply bool, a *ctAction) {
	m.state |= openflow.CTTracked
	m.zone, m.conn, m.reply = a.zone, conn, reply
	m.mark, m.label, m.origin = 0, value{}, key
	if conn != nil {
		m.mark, m.label, m.origin = conn.mark, conn.label, conn.opened
	}
	m.setMark(a)
}

// setMark changes mark and label of the connection and of the packet.
func (m *tracked) setMark(a *ctAction) {
	if m.conn == nil {
		return
	}
	if a.mark != nil {
		m.mark = uint32(value{0, uint64(m.mark)}.andNot(a.mark.mask).or(a.mark.value).lo)
		m.conn.mark = m.mark
	}
	if a.label != nil {
		m.label = m.label.andNot(a.label.mask).or(a.label.value)
		m.conn.label = m.label
	}
}

// lookup returns the connection that a packet belongs to, and whether the packet goes against the one that opened it.
func (t *tracker) lookup(key tuple) (conn *connection, reply bool) {
	if conn := t.conns[key]; conn != nil {
		return conn, false
	}
	conn = t.conns[key.reverse()]
	return conn, conn != nil
}

// flush forgets the connections of a zone.
func (t *tracker) flush(zone uint16) {
	for key := range t.conns {
		if key.zone == zone {
			delete(t.conns, key)
		}
	}
}

func replyBit(reply bool) uint8 {
	if reply {
		return openflow.CTReply
	}
	return 0
}
