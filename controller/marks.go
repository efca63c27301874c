package controller

import (
	"context"
	"slices"

	"conjunct/ovsdb"
)

// marksOf compares the installed marks of a bridge's interfaces with what the switch has confirmed. A mark that is
// right stays as it is, with the revision of its time, also while the bridge is being compared after a restart of
// the controller.
func (h *host) marksOf(s *ovsdb.Snapshot, bridge string) (set []ovsdb.Mark, clear []ovsdb.UUID) {
	h.look(func() {
		for _, p := range s.Ports(bridge) {
			pl := h.plugOf(p)
			if pl == nil {
				if p.Installed != "" {
					clear = append(clear, p.InterfaceUUID)
				}
				continue
			}
			mac := pl.port.view.Port.MAC.String()
			is, err := ovsdb.ParseInstalled(p.Installed)
			right := err == nil && is.OFPort == p.OFPort && is.MAC == mac
			switch {
			case pl.confirmed != 0 && !right:
				set = append(set, ovsdb.Mark{
					Interface: p.InterfaceUUID, IfaceID: p.IfaceID,
					Value: ovsdb.Installed{Revision: uint64(pl.confirmed), OFPort: p.OFPort, MAC: mac},
				})
			case pl.confirmed == 0 && p.Installed != "" && !right:
				clear = append(clear, p.InterfaceUUID)
			}
		}
	})
	return set, clear
}

// plugOf is the plug of an interface, nil when no port is plugged in there.
func (h *host) plugOf(p ovsdb.BridgePort) *plug {
	if p.OFPort <= 0 || p.OFPort > maxOFPort {
		return nil
	}
	if pl := h.plugs[uint16(p.OFPort)]; pl != nil && pl.seat.row == p.InterfaceUUID && pl.seat.iface == p.IfaceID {
		return pl
	}
	return nil
}

// unmark clears the marks that the flows which are about to be sent make untrue: of interfaces without a port, of ports with
// another MAC, and of those in lost, whose flows the bridge turned out not to have. Without a database nothing can be
// cleared, and the flows don't wait for it.
func (h *host) unmark(ctx context.Context, bridge string, lost []uint16) error {
	var client *ovsdb.Client
	h.look(func() {
		if h.unmarked || len(lost) > 0 {
			client, h.unmarked = h.client, false
		}
	})
	if client == nil {
		return nil
	}
	s := client.Snapshot()
	_, clear := h.marksOf(s, bridge)
	for _, p := range s.Ports(bridge) {
		if p.Installed != "" && p.OFPort > 0 && slices.Contains(lost, uint16(p.OFPort)) {
			clear = append(clear, p.InterfaceUUID)
		}
	}
	return client.ClearInstalled(ctx, clear...)
}
