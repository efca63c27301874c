package ofeval

import (
	"fmt"
	"slices"
	"strings"

	"conjunct/openflow"
)

// A Journey is what happened to a packet.
type Journey struct {
	Outputs []Output
	Steps   []Step
	// Problem says why the packet, or a pass of it, was dropped although no flow says so: an action that the model leaves
	// out, too many resubmits, too many passes. It is empty when all went well.
	Problem string
}

// An Output is a packet that left the switch.
type Output struct {
	Port   openflow.Port
	VLANs  []uint16 // numbers of its tags, outermost first
	Packet Packet
}

// A Step is a look-up in a table.
type Step struct {
	Pass  int // from 0; ct(table=N) begins a new one
	Depth int // of resubmits within the pass
	Table uint8
	Hit   bool
	Flow  openflow.Flow // that was hit
	// Components are the flows that complete the conjunction which led to Flow; none when Flow does not look at conj_id.
	Components []openflow.Flow
	Sees       string // the packet, when it begins a pass
}

// Ports returns the ports by which the packet left, in order; a port comes twice when two packets left by it.
func (j Journey) Ports() []openflow.Port {
	ports := make([]openflow.Port, len(j.Outputs))
	for i, o := range j.Outputs {
		ports[i] = o.Port
	}
	slices.Sort(ports)
	return ports
}

// Reached reports whether a packet left by the port.
func (j Journey) Reached(port openflow.Port) bool { return slices.Contains(j.Ports(), port) }

// Cookies returns the cookies of the flows hit in a table, in order.
func (j Journey) Cookies(table uint8) []uint64 {
	var cookies []uint64
	for _, s := range j.Steps {
		if s.Hit && s.Table == table {
			cookies = append(cookies, s.Flow.Cookie)
		}
	}
	return cookies
}

// String returns the tables that the packet went through and where it left, for the message of a failing test.
func (j Journey) String() string {
	var b strings.Builder
	for _, s := range j.Steps {
		if s.Sees != "" {
			fmt.Fprintf(&b, "pass %d: %s\n", s.Pass, s.Sees)
		}
		indent := strings.Repeat("    ", s.Depth)
		if s.Hit {
			fmt.Fprintf(&b, "%s%2d. %s\n", indent, s.Table, s.Flow)
		} else {
			fmt.Fprintf(&b, "%s%2d. no match\n", indent, s.Table)
		}
	}
	for _, o := range j.Outputs {
		fmt.Fprintf(&b, "output %s vlans %v: %s\n", o.Port, o.VLANs, o.Packet)
	}
	if len(j.Outputs) == 0 {
		b.WriteString("dropped\n")
	}
	if j.Problem != "" {
		fmt.Fprintf(&b, "problem: %s\n", j.Problem)
	}
	return b.String()
}
