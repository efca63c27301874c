// Package policy holds the nouns of Conjunct and what they mean.
//
// A Port is a VM's attachment to a Subnet of a VPC. It carries security Groups: its own, its instance's, and those
// attached to its subnet, to a CIDR that holds one of its addresses or to a tag of its instance. A Group has Rules; a Rule
// allows the connections of one direction, one service and one Remote. Ingress and egress are seen from the VM.
//
//	            Project ── Group ── Rule ──► Remote: any | CIDRs | Group | IPSet | Subnet
//	               │         ▲
//	VPC ── Subnet ─┴─ Port ──┘ (attachments)
//	 └─ Profile        └─ Instance, Hypervisor
//
// Three functions say what it all means, each slow and obvious:
//
//	Validate…   is this object well formed?            findings, each with field, value and remedy
//	Resolve     what does one hypervisor need to know? *View
//	Decide      does this packet pass at this port?    Decision, with the deciding rule or the nearest miss
//
// Every faster path (compiled flows, the fake switch, the real switch, explain) is tested against Decide.
// The package imports nothing of the project, has no clock, no network and no logger.
package policy
