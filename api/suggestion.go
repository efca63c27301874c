package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"sigs.k8s.io/yaml"

	"conjunct/policy"
)

// Suggestion is the least that would let a refused connection pass at an end. The needs come first; then the rule is enough.
type Suggestion struct {
	// Needs are what no rule can stand in for, each with the request that changes it; a need without one can't be met.
	Needs []SuggestedNeed `json:"needs,omitempty"`
	// Rule is the missing rule; nil when a need, or a rule that is moved, is enough.
	Rule *SuggestedRule `json:"rule,omitempty"`
	// Group is where the rule goes; nil for a new group, which the port is to be given.
	Group *Source `json:"security_group,omitempty"`
	// Before is the id of the rule that has to be tried later, in an ordered group; Moved that of the rule which is to be moved before it.
	Before string `json:"before,omitempty"`
	Moved  string `json:"moved,omitempty"`
	// Others is how many other ports have the group.
	Others int `json:"other_ports"`
	// Requests are all calls that are to be made, in order; Command is the rule for the command line, Manifest for a document.
	Requests []SuggestedRequest `json:"requests"`
	Commands []string           `json:"commands,omitempty"`
	Manifest string             `json:"manifest,omitempty"`
	Notes    []string           `json:"notes,omitempty"`
}

// SuggestedNeed is a change that comes before any rule.
type SuggestedNeed struct {
	Kind    policy.Kind `json:"kind,omitempty"`
	ID      string      `json:"id,omitempty"`
	Because string      `json:"because"`
}

// SuggestedRule is a rule as a request has it, without what is left out.
type SuggestedRule struct {
	Direction policy.Direction `json:"direction"`
	Protocol  policy.Protocol  `json:"protocol"`
	PortMin   *int             `json:"port_min,omitempty"`
	PortMax   *int             `json:"port_max,omitempty"`
	ICMPType  *int             `json:"icmp_type,omitempty"`
	ICMPCode  *int             `json:"icmp_code,omitempty"`
	IPVersion *int             `json:"ip_version,omitempty"`
	Remote    policy.Remote    `json:"remote"`
}

// SuggestedRequest is a call of this API.
type SuggestedRequest struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Body   json.RawMessage `json:"body"`
}

// suggest says what would let the connection pass at the end of the step.
func (rd *reader) suggest(a *asked, s policy.Step) *Suggestion {
	peer, c, d := a.from.Port, a.connection, s.Direction
	if s.Port == a.from.Port {
		peer = a.to.Port
	}
	if own := map[bool]policy.Direction{true: policy.Egress, false: policy.Ingress}[s.Port == a.from.Port]; d != own {
		c = c.Returning(a.kind) // What returns was stopped by itself, not because of its connection.
	}
	r, ok := rd.state.Remedy(s.Port, d, c, peer, rd.mayChange)
	if !ok {
		return nil // Connection tracking refused; there is nothing to allow.
	}
	out := &Suggestion{Requests: []SuggestedRequest{}}
	for _, n := range r.Needs {
		out.Needs = append(out.Needs, SuggestedNeed{Kind: n.Kind, ID: n.ID, Because: n.Text})
		if n.Kind != "" {
			out.request(http.MethodPatch, resourcePath(n.Kind)+url.PathEscape(n.ID), map[string]any{n.Field: n.Value})
		}
	}
	if r.Group != nil {
		source := sourceOf(r.Group)
		out.Group = &source
		rd.intoGroup(out, r)
	}
	if r.Rule != nil && r.Group == nil {
		rd.ownGroup(out, r, s.Port)
	}
	rd.notes(out, r)
	return out
}

func (s *Suggestion) request(method, path string, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		panic("api: a suggestion can't be written: " + err.Error()) // Its parts come from objects that were written before.
	}
	s.Requests = append(s.Requests, SuggestedRequest{Method: method, Path: path, Body: b})
}

func resourcePath(k policy.Kind) string {
	for i := range resources {
		if resources[i].kind == k {
			return "/v1/" + resources[i].path + "/"
		}
	}
	return "/v1/"
}

func suggestedRule(r *policy.Rule) *SuggestedRule {
	return &SuggestedRule{
		Direction: r.Direction, Protocol: r.Protocol, PortMin: r.PortMin, PortMax: r.PortMax, ICMPType: r.ICMPType, ICMPCode: r.ICMPCode,
		IPVersion: r.IPVersion, Remote: r.Remote,
	}
}

// intoGroup is the rule in a group that the port has.
func (rd *reader) intoGroup(out *Suggestion, r *policy.Remedy) {
	query, flag := "", ""
	if r.Before != nil {
		out.Before = r.Before.ID
		query, flag = "?before="+url.QueryEscape(r.Before.ID), " --before "+r.Before.ID
	}
	if r.Moved != nil {
		out.Moved = r.Moved.ID
		out.request(http.MethodPatch, resourcePath(policy.KindRule)+url.PathEscape(r.Moved.ID)+query, struct{}{})
		out.Commands = append(out.Commands, fmt.Sprintf("conjunct move %s --of %s%s", r.Moved.Label(), rd.word(policy.KindGroup, r.Group.ID), flag))
		return
	}
	out.Rule = suggestedRule(r.Rule)
	out.request(http.MethodPost, resourcePath(policy.KindGroup)+url.PathEscape(r.Group.ID)+"/rules"+query, out.Rule)
	out.Commands = append(out.Commands, fmt.Sprintf("conjunct create rule %s '%s'%s", rd.word(policy.KindGroup, r.Group.ID), policy.RuleText(r.Rule, rd.word), flag))
	where := ""
	if r.Before != nil {
		where = fmt.Sprintf(", before rule %s", r.Before.Label())
	}
	out.Manifest = fmt.Sprintf("# one more of spec.rules of SecurityGroup %s%s\n%s", r.Group.Label(), where, rd.fragment([]*policy.Rule{r.Rule}))
}

// ownGroup is the rule in a group that is made for the port.
func (rd *reader) ownGroup(out *Suggestion, r *policy.Remedy, v *policy.PortView) {
	name := "allow-" + v.Port.ID
	if len(name) > 63 || rd.has(policy.KindGroup, name) {
		name = fmt.Sprintf("allow-port-%d", v.Port.Number)
	}
	out.Rule = suggestedRule(r.Rule)
	out.request(http.MethodPut, resourcePath(policy.KindGroup)+url.PathEscape(name), map[string]any{
		"name": name, "project_id": v.Instance.ProjectID, "evaluation": policy.Union, "rules": []*SuggestedRule{out.Rule},
	})
	groups := append([]policy.GroupID{}, v.Port.SecurityGroupIDs...)
	out.request(http.MethodPatch, resourcePath(policy.KindPort)+url.PathEscape(v.Port.ID), map[string]any{"security_group_ids": append(groups, policy.GroupID(name))})
	out.Commands = append(out.Commands,
		fmt.Sprintf("conjunct create security-group %s --project %s --evaluation union --rule '%s'", name, rd.word(policy.KindProject, string(v.Instance.ProjectID)), policy.RuleText(r.Rule, rd.word)),
		fmt.Sprintf("conjunct attach %s --port %s", name, v.Port.ID))
	rules := strings.ReplaceAll(strings.TrimRight(rd.fragment([]*policy.Rule{r.Rule}), "\n"), "\n", "\n    ")
	out.Manifest = fmt.Sprintf("apiVersion: %s\nkind: SecurityGroup\nmetadata:\n  name: %s\n  project: %s\nspec:\n  evaluation: union\n  rules:\n    %s\n",
		versionOwn, name, rd.word(policy.KindProject, string(v.Instance.ProjectID)), rules)
	if r.Leaves != nil {
		out.Notes = append(out.Notes, fmt.Sprintf("with a group of its own the port loses the default group %q, and what its rules allow", r.Leaves.Label()))
	}
}

func (rd *reader) notes(out *Suggestion, r *policy.Remedy) {
	note := func(format string, args ...any) { out.Notes = append(out.Notes, fmt.Sprintf(format, args...)) }
	if r.Before != nil {
		note("rule %s of ordered group %q decides before: the new rule has to come before it, or that one be narrowed", r.Before.Label(), r.Group.Label())
	}
	if r.Beyond {
		note("the group is not yours to change")
	}
	if r.Group != nil && r.Group.Origin == policy.OriginDefault {
		note("%q is the default group of every port without another one", r.Group.Label())
	}
	if r.Others > 0 && !r.Beyond {
		out.Others = r.Others
		note("%d other ports have the group; the rule holds for them too", r.Others)
	}
}

// word is by what an object is found on a command line: its name where no other object of the kind has it, else its id.
func (rd *reader) word(k policy.Kind, id string) string {
	o, ok := rd.snapshot.Get(k, id)
	if !ok {
		return id
	}
	for other := range rd.snapshot.All(k) {
		if other.Base().ID != id && (other.Label() == o.Label() || other.Base().ID == o.Label()) {
			return id
		}
	}
	return o.Label()
}

func (rd *reader) has(k policy.Kind, word string) bool {
	for o := range rd.snapshot.All(k) {
		if o.Base().ID == word || o.Label() == word {
			return true
		}
	}
	return false
}

// fragment is rules as manifests list them, with names for ids.
func (rd *reader) fragment(rules []*policy.Rule) string {
	var list []*SuggestedRule
	for _, r := range rules {
		one := suggestedRule(r)
		if one.Remote.GroupID != "" {
			one.Remote.GroupID = policy.GroupID(rd.word(policy.KindGroup, string(one.Remote.GroupID)))
		}
		list = append(list, one)
	}
	b, err := yaml.Marshal(list)
	if err != nil {
		panic("api: a suggestion can't be written: " + err.Error())
	}
	return string(b)
}

// mayChange tells whether a suggestion may be made about the group. Who is bound to no project asks for those who may.
func (rd *reader) mayChange(g *policy.Group) bool {
	return !rd.sight.IsBound() || rd.sight.Rights(g).Has(policy.MayChange)
}
