package controller

import (
	"fmt"
	"maps"
	"slices"

	"conjunct/ovsdb"
)

// seat is an interface of a bridge that a VM's port may be plugged into, as the database tells it.
type seat struct {
	row    ovsdb.UUID
	name   string // of the interface
	iface  string // external_ids:iface-id
	ofport uint16
	mac    string // of the device; changes when the device is replaced
}

// seating is who sits where on a bridge. An interface that can't be told apart or used is in problems and passes nothing.
type seating struct {
	seats    map[uint16]seat // by ofport
	uplinks  []uint16        // sorted
	refused  map[string]string
	problems []string // sorted
}

func (s seating) equal(other seating) bool {
	return maps.Equal(s.seats, other.seats) && slices.Equal(s.uplinks, other.uplinks) && maps.Equal(s.refused, other.refused) &&
		slices.Equal(s.problems, other.problems)
}

// maxOFPort is the last number that an ordinary port may have (OFPP_MAX of OpenFlow 1.0, exclusive, is 0xff00).
const maxOFPort = 0xfeff

// seatingOf reads the bridge's ports. gone are numbers whose port the switch has reported as deleted since the database said
// so.
func seatingOf(s *ovsdb.Snapshot, bridge string, gone map[uint16]bool) seating {
	out := seating{seats: make(map[uint16]seat), refused: make(map[string]string)}
	byIface := make(map[string][]seat)
	used := make(map[uint16][]string)
	problem := func(format string, args ...any) { out.problems = append(out.problems, fmt.Sprintf(format, args...)) }
	for _, p := range s.Ports(bridge) {
		if p.Interface == bridge {
			continue // the bridge's own
		}
		number := uint16(p.OFPort)
		usable := p.OFPort > 0 && p.OFPort <= maxOFPort && !gone[number]
		if usable {
			used[number] = append(used[number], p.Interface)
		}
		switch {
		case p.Role == ovsdb.RoleUplink && p.IfaceID != "":
			problem("interface %s is an uplink and has iface-id %q: it passes nothing", p.Interface, p.IfaceID)
			out.refused[p.IfaceID] = fmt.Sprintf("its interface %s is marked as an uplink", p.Interface)
		case p.Role == ovsdb.RoleUplink && usable:
			out.uplinks = append(out.uplinks, number)
		case p.Role == ovsdb.RoleUplink:
		case p.IfaceID == "":
			problem("interface %s has no iface-id and is not an uplink: it passes nothing", p.Interface)
		case p.OFPort < 0:
			problem("interface %s (iface-id %q) failed: %s", p.Interface, p.IfaceID, p.Error)
			out.refused[p.IfaceID] = fmt.Sprintf("the switch failed to make interface %s: %s", p.Interface, p.Error)
		case usable:
			byIface[p.IfaceID] = append(byIface[p.IfaceID],
				seat{row: p.InterfaceUUID, name: p.Interface, iface: p.IfaceID, ofport: number, mac: p.MACInUse})
		}
	}
	for _, iface := range slices.Sorted(maps.Keys(byIface)) {
		seats := byIface[iface]
		if len(seats) > 1 {
			problem("iface-id %q is on interfaces %s and %s: none of them passes anything", iface, seats[0].name, seats[1].name)
			out.refused[iface] = fmt.Sprintf("interfaces %s and %s both have its iface-id", seats[0].name, seats[1].name)
			continue
		}
		out.seats[seats[0].ofport] = seats[0]
	}
	for number, names := range used {
		if len(names) > 1 { // between two updates of the database
			problem("interfaces %v have the same OpenFlow port %d: they pass nothing", names, number)
			delete(out.seats, number)
			out.uplinks = slices.DeleteFunc(out.uplinks, func(n uint16) bool { return n == number })
		}
	}
	slices.Sort(out.uplinks)
	slices.Sort(out.problems)
	return out
}
