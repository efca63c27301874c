package ovsdb

import (
	"cmp"
	"slices"
)

// A Snapshot is the monitored part of the database as it was at one moment. It never
// changes, may be kept and shared, and nobody may write to what it holds.
type Snapshot struct {
	// Generation counts the updates of this connection; a later state has a larger one.
	Generation uint64

	Roots       map[UUID]*OpenVSwitch // at most one
	Bridges     map[UUID]*Bridge
	PortRows    map[UUID]*Port
	Interfaces  map[UUID]*Interface
	Controllers map[UUID]*Controller
}

// Root is the Open_vSwitch row, or nil if there is none.
func (s *Snapshot) Root() *OpenVSwitch {
	for _, root := range s.Roots {
		return root
	}
	return nil
}

// SystemID is the name that the hypervisor gives itself (external_ids:system-id), ""
// if it has none.
func (s *Snapshot) SystemID() string {
	if root := s.Root(); root != nil {
		return root.ExternalIDs[keySystemID]
	}
	return ""
}

// Bridge finds a bridge by name; nil if there is none.
func (s *Snapshot) Bridge(name string) *Bridge {
	for _, b := range s.Bridges {
		if b.Name == name {
			return b
		}
	}
	return nil
}

// Interface finds an interface by name; nil if there is none.
func (s *Snapshot) Interface(name string) *Interface {
	for _, i := range s.Interfaces {
		if i.Name == name {
			return i
		}
	}
	return nil
}

// Keys in external_ids.
const (
	keySystemID  = "system-id"          // of Open_vSwitch: the hypervisor's name
	keyIfaceID   = "iface-id"           // of Interface: which VM port it is, set by whoever plugs
	keyRole      = "conjunct-role"      // of Port: RoleUplink
	keyInstalled = "conjunct-installed" // of Interface: see Installed
	keyOwner     = "conjunct"           // of Controller: who made or adopted the row
)

// RoleUplink is the role of a port that leads to the fabric.
const RoleUplink = "uplink"

// A BridgePort is an interface of a bridge with what its Port row adds.
type BridgePort struct {
	Interface     string
	InterfaceUUID UUID
	Port          string // name of the Port row; differs from Interface for a bond
	Type          string // of the interface: "internal", "patch", …; "" for a device of the host
	IfaceID       string // Interface external_ids:iface-id, "" for none
	OFPort        int64  // 0 not yet given, -1 the switch failed to make it (see Error)
	MACInUse      string
	LinkState     string // "up", "down" or "" for unknown
	Tag           *int64 // access VLAN of the Port
	Role          string // Port external_ids:conjunct-role
	Error         string
	Installed     string // the mark, see Installed
}

// Ports lists the interfaces of a bridge, sorted by name, its local port included.
// It is empty if there is no such bridge.
func (s *Snapshot) Ports(bridge string) []BridgePort {
	b := s.Bridge(bridge)
	if b == nil {
		return nil
	}
	var list []BridgePort
	for _, id := range b.Ports {
		port := s.PortRows[id]
		if port == nil {
			continue
		}
		for _, id := range port.Interfaces {
			if iface := s.Interfaces[id]; iface != nil {
				list = append(list, bridgePort(port, iface))
			}
		}
	}
	slices.SortFunc(list, func(a, b BridgePort) int { return cmp.Compare(a.Interface, b.Interface) })
	return list
}

func bridgePort(port *Port, iface *Interface) BridgePort {
	return BridgePort{
		Interface:     iface.Name,
		InterfaceUUID: iface.UUID,
		Port:          port.Name,
		Type:          iface.Type,
		IfaceID:       iface.ExternalIDs[keyIfaceID],
		OFPort:        iface.OFPort,
		MACInUse:      iface.MACInUse,
		LinkState:     iface.LinkState,
		Tag:           port.Tag,
		Role:          port.ExternalIDs[keyRole],
		Error:         iface.Error,
		Installed:     iface.ExternalIDs[keyInstalled],
	}
}
