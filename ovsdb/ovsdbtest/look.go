package ovsdbtest

import (
	"context"

	"conjunct/ovsdb"
)

// AddInterface plugs a VM's interface into a bridge; see [Plug].
func (s *Server) AddInterface(bridge, name, ifaceID string, ofport int64, mac string) error {
	return Plug(context.Background(), s, bridge, NIC{Name: name, IfaceID: ifaceID, OFPort: ofport, MAC: mac})
}

// AddUplink plugs a trunk to the fabric into a bridge.
func (s *Server) AddUplink(bridge, name string, ofport int64) error {
	return Plug(context.Background(), s, bridge, NIC{Name: name, OFPort: ofport, Role: ovsdb.RoleUplink})
}

// RemoveInterface unplugs what AddInterface or AddUplink has plugged.
func (s *Server) RemoveInterface(bridge, name string) error {
	return Unplug(context.Background(), s, bridge, name)
}

// Installed is the installed mark of an interface, "" if there is none.
func (s *Server) Installed(iface string) string {
	ids, err := ExternalIDs(context.Background(), s, "Interface", iface)
	if err != nil {
		return ""
	}
	return ids["conjunct-installed"]
}

// Targets are the OpenFlow controllers that a bridge is told to connect to.
func (s *Server) Targets(bridge string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var targets []string
	for _, a := range s.bridge(bridge)["controller"].keys {
		targets = append(targets, text(s.db["Controller"][a.(ovsdb.UUID)]["target"]))
	}
	return targets
}

// DatapathID is what a bridge is configured to call itself, "" if it is not.
func (s *Server) DatapathID(bridge string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	config := s.bridge(bridge)["other_config"]
	if i := config.find(ovsdb.String("datapath-id")); i >= 0 {
		return string(config.values[i].(ovsdb.String))
	}
	return ""
}

// bridge finds a row by name; a nil row has no columns.
func (s *Server) bridge(name string) row {
	for _, r := range s.db["Bridge"] {
		if text(r["name"]) == name {
			return r
		}
	}
	return nil
}

// text is a column of at most one string.
func text(d datum) string {
	if len(d.keys) == 0 {
		return ""
	}
	return string(d.keys[0].(ovsdb.String))
}

// WaitFor waits until cond, which is asked after every transaction, holds.
func (s *Server) WaitFor(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
