package policy

import (
	"context"
	"time"
)

// HostState says how far a hypervisor is.
type HostState string

const (
	HostUnknown      HostState = "unknown"      // never seen
	HostConnecting   HostState = "connecting"   // its database or its switch is being reached
	HostSyncing      HostState = "syncing"      // connected; its bridge is being compared or brought up to date
	HostReady        HostState = "ready"        // the bridge has confirmed everything that is wanted
	HostDegraded     HostState = "degraded"     // connected, but something was refused; Problems says what
	HostDisconnected HostState = "disconnected" // was connected; its bridge goes on with the flows it has
)

// HostStatus is what the controller reports of a hypervisor. Revisions are the store's.
type HostStatus struct {
	ID              HostID    `json:"id"`
	State           HostState `json:"state"`
	AppliedRevision int64     `json:"applied_revision"` // the bridge has confirmed this by a barrier
	DesiredRevision int64     `json:"desired_revision"` // the newest that concerns the host
	Flows           int       `json:"flows"`            // wanted on the bridge
	Drift           Drift     `json:"drift"`
	Problems        []string  `json:"problems,omitempty"`
}

// Drift counts flows that were found otherwise than wanted, since the host was last adopted.
type Drift struct {
	Missing  int `json:"missing"`
	Foreign  int `json:"foreign"`
	Changed  int `json:"changed"`
	Repaired int `json:"repaired"`
}

// PortState says how far a port is.
type PortState string

const (
	PortUnbound  PortState = "unbound"  // no hypervisor is named and no interface was seen
	PortPending  PortState = "pending"  // waiting for its interface or for its flows
	PortActive   PortState = "active"   // its flows are confirmed by the switch
	PortDegraded PortState = "degraded" // active on an older revision: its host is behind or away
	PortFailed   PortState = "failed"   // its flows were refused, or the interface can't be used; Problem says why
)

// PortStatus is what the controller reports of a port.
type PortStatus struct {
	State           PortState `json:"state"`
	HostID          HostID    `json:"-"`      // where its interface was seen
	OFPort          int       `json:"ofport"` // 0 without an interface
	AppliedRevision int64     `json:"applied_revision"`
	Problem         string    `json:"problem,omitempty"`
}

// Hits counts packets of connections that a rule decided, in both directions, over all hosts. It never goes back.
type Hits struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"` // of whole frames
	// LastHit is when the newest packet was counted, to the second; nil when none was. The switch tells its age when its
	// counters are read; of a packet that it has only counted at the removal of a flow, this is when it said so.
	LastHit *time.Time `json:"last_hit"`
}

// FlowDiff compares what is wanted on a bridge with what is installed; flows are in ovs-ofctl syntax.
type FlowDiff struct {
	Missing []string `json:"missing"` // wanted, not installed
	Extra   []string `json:"extra"`   // installed, not wanted
	Changed []string `json:"changed"` // installed with other actions or another cookie; as wanted
}

// Inspector tells what became of what was wanted. The controller is one.
type Inspector interface {
	Hosts() []HostStatus
	Host(HostID) (HostStatus, bool)
	Port(PortID) PortStatus
	// Behind lists the hosts that the revision concerns and that have not confirmed it. The channel is closed when each of them
	// has confirmed something since: then it is time to ask again.
	Behind(revision int64) (hosts []HostID, changed <-chan struct{})
	// Late lists, in the same way, the hosts that have not confirmed everything up to the revision.
	Late(revision int64) (hosts []HostID, changed <-chan struct{})
	// Changed is closed at the next change of a port's state.
	Changed(PortID) <-chan struct{}
	Hits(rule Number) Hits
	// PlatformHits are those of one of PlatformRules.
	PlatformHits(rule Number) Hits
	// DesiredFlows are a host's wanted flows in ovs-ofctl syntax, each preceded by a comment that names its rule or purpose.
	DesiredFlows(HostID) ([]string, error)
	// DiffFlows asks the host's switch and compares; an error when the host is not connected.
	DiffFlows(HostID) (FlowDiff, error)
	// Probe asks the switches for their flows and takes the packet through them: egress of the end that opens its connection, then ingress of the
	// other, ends that are not ports left out. An error when a port is plugged in nowhere or its host is not connected.
	Probe(context.Context, Probe) ([]Passage, error)
}
