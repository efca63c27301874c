package api

import (
	"time"

	"conjunct/policy"
)

// The wire forms of the nouns: what is stored, and beside it what is reported. Nouns that are stored as they are sent are
// policy's own.
type (
	Project    = policy.Project
	VPC        = policy.VPC
	Subnet     = policy.Subnet
	Instance   = policy.Instance
	Profile    = policy.Profile
	Attachment = policy.Attachment
	Entry      = policy.Entry
	Member     = policy.Member
)

// Hypervisor is a host with what the controller reports of it.
type Hypervisor struct {
	policy.Hypervisor
	State           policy.HostState `json:"state"`
	AppliedRevision int64            `json:"applied_revision"`
	DesiredRevision int64            `json:"desired_revision"`
	Flows           int              `json:"flows"`
	Drift           policy.Drift     `json:"drift"`
	Problems        []string         `json:"problems,omitempty"`
}

// Port is a port with what the controller reports of it.
type Port struct {
	policy.Port
	policy.PortStatus
}

// Rule is a rule with what people call its service, such as SSH, and the packets that it decided.
type Rule struct {
	policy.Rule
	Service string      `json:"service"`
	Hits    policy.Hits `json:"hits"`
	// Renumbered is in the answer to a change alone: the rules of the ordered group that had to make room.
	Renumbered []Renumbered `json:"renumbered,omitempty"`
}

// Group is a security group with its rules. A request without rules (nil) leaves the rules as they are; an empty
// list removes them. Revision is the newest of the group's and its rules'.
//
// Attachments are what has the group, in a request alone, where they mean what rules do: none leaves them, a list replaces
// them.
type Group struct {
	policy.Group
	Rules       []Rule       `json:"rules,omitzero"`
	Attachments []Attachment `json:"attachments,omitzero"`
}

// IPSet is an IP set with its entries; nil and empty mean what they mean for the rules of a Group.
type IPSet struct {
	policy.IPSet
	Entries []Entry `json:"entries,omitzero"`
}

// Token is a token without its digest. Secret is in the answer to its creation alone.
type Token struct {
	policy.Meta
	Name      string           `json:"name"`
	Role      policy.Role      `json:"role"`
	ProjectID policy.ProjectID `json:"project_id"`
	ExpiresAt *time.Time       `json:"expires_at"`
	Secret    string           `json:"token,omitempty"`
}

// Page is one page of a list. Without a NextPageToken it is the last.
type Page[T any] struct {
	Items         []T    `json:"items"`
	NextPageToken string `json:"next_page_token,omitempty"`
}

// Pending answers a wait that ran out: the change is stored, and these hosts have not confirmed it.
type Pending struct {
	Revision    int64           `json:"revision"`
	HostsBehind []policy.HostID `json:"hosts_behind"`
	Result      any             `json:"result,omitempty"` // what the answer would have been
}

// reportedFields are taken in a request and ignored, where the object has them, so that what was read can be sent back.
var reportedFields = map[string]bool{
	"revision": true, "created_at": true, "updated_at": true, "number": true, "origin": true, "removals": true,
	"state": true, "applied_revision": true, "desired_revision": true, "flows": true, "drift": true, "problems": true, "problem": true,
	"ofport": true, "hits": true, "token": true, "service": true, "renumbered": true,
}
