package api

import (
	"fmt"
	"net/http"
	"time"

	"conjunct/policy"
)

// bridgePatience is how long bridges get to confirm what was written before, so that their flows are compared with the policy that
// they should carry out.
const bridgePatience = 5 * time.Second

// BridgeFinding is one way in which a bridge does not do with the packet what the policy says.
type BridgeFinding struct {
	Host   policy.HostID `json:"hypervisor_id"`
	PortID policy.PortID `json:"port_id"`
	// Expected is what the policy says at this end, Got what the flows do: allowed or refused. They are equal where a flow is not as it should
	// be, and the packet fares the same.
	Expected string `json:"expected"`
	Got      string `json:"got"`
	// Flow is the one that is not as it should be, Kind how: missing, extra or changed. Both are empty where every flow that the packet meets is
	// as wanted, and the outcome differs all the same.
	Kind    policy.DifferenceKind `json:"kind,omitempty"`
	Flow    string                `json:"flow,omitempty"`
	Message string                `json:"message"`
}

// asksBridges reads the parameter source.
func (c *call) asksBridges() (bool, error) {
	switch source := c.query.Get("source"); source {
	case "", "policy":
		return false, nil
	case "bridge":
	default:
		return false, badParameter("source", "source is policy or bridge, not %q", source)
	}
	if !c.bearer.Role.Ever(policy.KindHypervisor).Has(policy.MaySee) {
		return false, &policy.Forbidden{Code: "role", Message: "the flows of hypervisors are shown to roles that see hypervisors; ask without source=bridge"}
	}
	return true, nil
}

// askBridges adds what the bridges do with the packet, and where that is not what the policy says.
func (c *call) askBridges(a *asked, out *Answer) error {
	passages, err := c.Inspector.Probe(c.r.Context(), policy.Probe{From: a.from, To: a.to, Connection: a.connection, Packet: a.kind})
	if err != nil {
		return fail(http.StatusServiceUnavailable, "host-unavailable", "the bridges can't be asked: %s", err)
	}
	out.Bridges = passages
	for i := range passages {
		p := &passages[i]
		for _, step := range a.verdict.Steps {
			if policy.PortID(step.Port.Port.ID) == p.Port {
				out.Findings = append(out.Findings, findingsAt(p, step, step.IsExact(a.connection, a.kind))...)
			}
		}
	}
	return nil
}

var outcomeWords = map[bool]string{true: "allowed", false: "refused"}

// findingsAt compares what the policy says at an end with what the flows do.
func findingsAt(p *policy.Passage, s policy.Step, exact bool) (out []BridgeFinding) {
	found := BridgeFinding{Host: p.Host, PortID: p.Port, Expected: outcomeWords[s.Decision.Allowed], Got: outcomeWords[p.Passed]}
	behind := ""
	if p.Behind {
		behind = "; the bridge is still being brought up to date"
	}
	for _, d := range p.Differences {
		f := found
		f.Kind, f.Flow = d.Kind, d.Flow
		f.Message = fmt.Sprintf("%s (%s)%s", differenceWords[d.Kind], d.Meaning, behind)
		out = append(out, f)
	}
	if len(out) > 0 || !exact || s.Decision.Allowed == p.Passed {
		return out
	}
	if p.Invalid && s.Decision.Allowed {
		p.Note = "connection tracking knows no connection that such a packet opens or belongs to, and drops it before rules are asked"
		return out
	}
	found.Message = "every flow that the packet meets is as wanted, and the outcome is another than the policy's" + behind
	return append(out, found)
}

var differenceWords = map[policy.DifferenceKind]string{
	policy.FlowMissing: "a flow that the packet should meet is not on the bridge",
	policy.FlowExtra:   "the packet meets a flow that nobody wants",
	policy.FlowChanged: "the packet meets a flow that somebody has changed",
}
