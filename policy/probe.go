package policy

// Probe is a packet that is taken through the flows that bridges really hold. Its ends are those of Explain; one of them at least is a port.
type Probe struct {
	From, To   End
	Connection Connection
	Packet     PacketKind
}

// Passage is what the flows of a bridge do with a packet at one end of its connection.
type Passage struct {
	Port      PortID    `json:"port_id"`
	Direction Direction `json:"-"` // egress at the end that opens, ingress at the other
	Host      HostID    `json:"hypervisor_id"`
	OFPort    int       `json:"ofport"`
	// Passed tells that the packet gets past this end.
	Passed bool `json:"allowed"`
	// Invalid tells that connection tracking knows no connection that the packet could open or belong to: no rule is asked.
	Invalid bool `json:"invalid"`
	// Tables are the look-ups, in order.
	Tables []FlowLookup `json:"tables"`
	// Differences are flows that the packet met and nobody wants, and such that it should have met and the bridge lacks.
	Differences []FlowDifference `json:"differences"`
	// Behind tells that the bridge had not confirmed everything that was wanted.
	Behind bool   `json:"behind"`
	Note   string `json:"note,omitempty"`
}

// FlowLookup is a look-up in a flow table. Flow is in ovs-ofctl syntax, empty where nothing matched.
type FlowLookup struct {
	Table   uint8  `json:"table"`
	Name    string `json:"name"`
	Flow    string `json:"flow"`
	Meaning string `json:"meaning"` // what is behind the flow's cookie
	RuleID  RuleID `json:"rule_id,omitempty"`
	// Components are the flows that completed the conjunction.
	Components []string `json:"components,omitempty"`
}

// FlowDifference is a flow that is not as it should be.
type FlowDifference struct {
	Kind    DifferenceKind `json:"kind"`
	Flow    string         `json:"flow"`
	Meaning string         `json:"meaning"`
}

// DifferenceKind says how a flow differs from what is wanted.
type DifferenceKind string

const (
	FlowMissing DifferenceKind = "missing" // wanted, not installed
	FlowExtra   DifferenceKind = "extra"   // installed, not wanted
	FlowChanged DifferenceKind = "changed" // installed with other actions or another cookie; as installed
)
