package ofeval

import (
	"iter"

	"conjunct/openflow"
)

// A Bridge is flows and ports to take packets through. It is used by one goroutine at a time.
type Bridge struct {
	// Frags is how the switch shows the ports of fragments.
	Frags openflow.FragMode

	tables   map[uint8]*Classifier
	ports    []openflow.Port
	datapath Datapath
}

// NewBridge returns a bridge that holds the flows. Of flows with the same table, match and priority the last one counts. Where the answer
// of a switch depends on the order in which its flows came, theirs here is the order given.
func NewBridge(flows iter.Seq[openflow.Flow], ports ...openflow.Port) *Bridge {
	b := &Bridge{Frags: openflow.FragNXMatch, tables: make(map[uint8]*Classifier), ports: ports}
	for f := range flows {
		t := b.tables[f.Table]
		if t == nil {
			t = NewClassifier()
			b.tables[f.Table] = t
		}
		t.Insert(NewRule(f, nil))
	}
	for _, t := range b.tables {
		t.Publish()
	}
	return b
}

// Lookup returns what the packet meets in a table.
func (b *Bridge) Lookup(table uint8, p *Packet) Hit {
	if t := b.tables[table]; t != nil {
		return t.Lookup(p, b.Frags)
	}
	return Hit{}
}

// Ports lists the bridge's ports.
func (b *Bridge) Ports() []openflow.Port { return b.ports }

// Inject lets a packet come in by a port. Connections take note of it.
func (b *Bridge) Inject(in openflow.Port, p Packet) Journey {
	return b.Enter(0, p.With(openflow.Exact(openflow.InPort, uint64(in))))
}

// Enter takes a packet with its metadata (in_port, registers) through the tables from one of them on.
func (b *Bridge) Enter(table uint8, p Packet) Journey { return b.datapath.Inject(b, table, p) }

// Establish makes the zone know the connection that the packet opens as one that was answered. A packet that can open none changes nothing.
func (b *Bridge) Establish(zone uint16, opening Packet) { b.datapath.establish(zone, opening) }

// establish opens the connection and answers it.
func (d *Datapath) establish(zone uint16, opening Packet) {
	answer := opening.Reply()
	answer.setNumber(openflow.TCPFlags, opening.number(openflow.TCPFlags)|ACK)
	confirmation := opening
	confirmation.setNumber(openflow.TCPFlags, ACK)
	for _, p := range []Packet{opening, answer, confirmation} {
		if p.number(openflow.IPProto) != openflow.ProtoTCP {
			p.setNumber(openflow.TCPFlags, 0)
		}
		p.track = tracked{}
		d.tracker.execute(&p, &ctAction{commit: true, zone: zone})
	}
}
