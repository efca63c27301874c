package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

var presets = []policy.ProfileName{
	policy.ProfileOpenUntilRuled, policy.ProfileIsolated, policy.ProfileSubnetTrust, policy.ProfileOrdered, policy.ProfileVPCLocked,
}

// under applies the four tiers, and a group of every field, to a project of the profile.
func (w *world) under(profile policy.ProfileName) *api.ManifestResult {
	w.Helper()
	w.put("/v1/projects/acme", `{"name": "acme", "profile": "`+string(profile)+`"}`)
	text := tierCloud + "\n---\n" + fourTiers(w.T) + "\n---\n" + everyField
	m := w.manifest(text, "acme")
	m.Documents = m.Documents[1:] // The project is there.
	r, err := w.Apply(w.Context(), m)
	require.NoError(w, err)
	return r
}

const everyField = `
apiVersion: networking.evroclabs.net/v1alpha1
kind: SecurityGroup
metadata: {name: everyFieldSG}
spec:
  rules:
    - {direction: Ingress, name: bare, port: 22, protocol: TCP, remote: {address: {IPAddressOrCIDR: 192.0.2.7}}}
    - {direction: Ingress, name: cidr, port: 1000-1100, protocol: UDP, remote: {address: {IPAddressOrCIDR: 10.0.0.0/24}}}
    - {direction: Ingress, name: group, protocol: ICMP, remote: {securityGroupRef: {name: webSG}}}
    - {direction: Egress, name: subnet, protocol: All, remote: {subnetRef: {name: front}}}
`

// The documented fields mean the same under every profile, also where a rule of ours has to say its IP version.
func TestA123_A124_A125_A126_A127_ManifestsOfEvrocUnderEveryProfile(t *testing.T) {
	for _, profile := range presets {
		t.Run(string(profile), func(t *testing.T) {
			w := newWorld(t)
			for i, d := range w.under(profile).Documents {
				require.Equal(t, api.Created, d.Result, "document %d: %+v", i, d)
			}
			gs, err := w.Groups().List(t.Context(), api.Query("name", "everyFieldSG"))
			require.NoError(t, err)
			require.Len(t, gs, 1)
			rules := gs[0].Rules
			require.Len(t, rules, 4)
			require.Equal(t, "192.0.2.7/32", rules[0].Remote.CIDRs[0].String())
			require.Equal(t, []int{22, 22, 1000, 1100}, []int{*rules[0].PortMin, *rules[0].PortMax, *rules[1].PortMin, *rules[1].PortMax})
			require.Equal(t, []policy.Protocol{policy.TCP, policy.UDP, policy.ICMP, policy.All},
				[]policy.Protocol{rules[0].Protocol, rules[1].Protocol, rules[2].Protocol, rules[3].Protocol})
			require.NotEmpty(t, rules[2].Remote.GroupID)
			require.NotEmpty(t, rules[3].Remote.SubnetID)
			for _, r := range rules {
				require.Nil(t, r.IPVersion)
			}
		})
	}
}

// TestA031_WhoCanSayAVersionHasTo holds requests under a profile that wants versions: what creates a rule says one, an edit
// doesn't take it away, and what is stored without one may be changed otherwise.
func TestA031_WhoCanSayAVersionHasTo(t *testing.T) {
	w := newWorld(t)
	w.under(policy.ProfileOpenUntilRuled)
	gs, err := w.Groups().List(t.Context(), api.Query("name", "everyFieldSG"))
	require.NoError(t, err)
	group, rule := "/v1/security-groups/"+gs[0].ID, "/v1/rules/"+gs[0].Rules[1].ID

	a := w.do(http.MethodPatch, rule, `{"description": "seen", "port_max": 1200}`)
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Equal(t, http.StatusOK, w.do(http.MethodPatch, rule, `{"ip_version": 4}`).status)
	refused := func(method, path, body, pointer string) {
		t.Helper()
		p := w.do(method, path, body).problem(http.StatusUnprocessableEntity)
		require.Equal(t, "required", p.Errors[0].Code, p.Errors)
		require.Equal(t, pointer, p.Errors[0].Pointer)
	}
	refused(http.MethodPatch, rule, `{"ip_version": null}`, "/ip_version")
	refused(http.MethodPost, group+"/rules", `{"direction": "in", "protocol": "sctp"}`, "/ip_version")
	refused(http.MethodPatch, group, `{"rules": [{"direction": "in", "protocol": "sctp"}]}`, "/rules/0/ip_version")
	refused(http.MethodPost, "/v1/security-groups", `{"name": "g", "project_id": "acme", "rules": [{"direction": "in", "protocol": "sctp"}]}`, "/rules/0/ip_version")
	p := w.do(http.MethodPost, group+"/rules", `{"direction": "in", "protocol": "icmp", "port_min": 1}`).problem(http.StatusUnprocessableEntity)
	require.Len(t, p.Errors, 2, "whatever else is wrong is said too")

	own := func(rule string) error {
		_, err := w.Apply(t.Context(), w.manifest(`{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: own}, spec: {rules: [`+rule+`]}}`, "acme"))
		return err
	}
	require.ErrorContains(t, own(`{direction: in, protocol: tcp, remote: {any: true}}`), "wants ip_version 4 or 6")
	require.NoError(t, own(`{direction: in, protocol: tcp, ip_version: null, remote: {any: true}}`), "which says: both")
	require.NoError(t, own(`{direction: in, protocol: tcp, remote: {any: true}, description: x}`), "the rule is stored")

	read := w.do(http.MethodGet, group, "")
	require.Equal(t, http.StatusOK, w.do(http.MethodPut, group, read.body).status, "what was read can be sent back")

	w.put("/v1/projects/later", `{"name": "later", "profile": "isolated"}`)
	w.put("/v1/security-groups/old", `{"name": "old", "project_id": "later", "rules": [{"direction": "in", "protocol": "tcp"}]}`)
	require.Equal(t, http.StatusOK, w.do(http.MethodPatch, "/v1/projects/later", `{"profile": "open-until-ruled"}`).status, "rules that are there stay")
	require.Equal(t, http.StatusOK, w.do(http.MethodPatch, "/v1/security-groups/old", `{"description": "x"}`).status)
}

// TestA053_AManifestSaysWhatItChanges applies a list of rules over another one.
func TestA053_AManifestSaysWhatItChanges(t *testing.T) {
	w := newWorld(t)
	w.under(policy.ProfileIsolated)
	m := w.manifest(`
apiVersion: networking.evroclabs.net/v1alpha1
kind: SecurityGroup
metadata: {name: everyFieldSG}
spec:
  rules:
    - {direction: Ingress, name: bare, port: 23, protocol: TCP, remote: {address: {IPAddressOrCIDR: 192.0.2.7}}}
    - {direction: Ingress, name: group, protocol: ICMP, remote: {securityGroupRef: {name: webSG}}}
    - {direction: Egress, name: subnet, protocol: All, remote: {subnetRef: {name: front}}, description: all of it}
    - {direction: Egress, name: more, port: 53, protocol: UDP, remote: {address: {IPAddressOrCIDR: "::/0"}}}
`, "acme")
	want := []api.DocumentChange{
		{Change: api.PartAdded, What: "rule", After: "more: out udp 53 to ::/0"},
		{Change: api.PartChanged, What: "rule", Before: "bare: in tcp 22 from 192.0.2.7", After: "bare: in tcp 23 from 192.0.2.7"},
		{Change: api.PartRemoved, What: "rule", Before: "cidr: in udp 1000-1100 from 10.0.0.0/24"},
		{Change: api.PartChanged, What: "rule", Before: "subnet: out all to subnet front", After: "subnet: out all to subnet front # all of it"},
	}
	for _, options := range [][]api.Option{{api.DryRun()}, nil} {
		r, err := w.Apply(t.Context(), m, options...)
		require.NoError(t, err)
		require.Equal(t, api.Changed, r.Documents[0].Result)
		require.ElementsMatch(t, want, r.Documents[0].Changes)
	}
	revision := w.store.Revision()
	r, err := w.Apply(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, api.Unchanged, r.Documents[0].Result)
	require.Empty(t, r.Documents[0].Changes)
	require.Equal(t, revision, w.store.Revision())
}

// TestA082_AManifestMayWriteTheDefaultGroupOfItsProject makes a project and says the rules of the groups that it begins with.
func TestA082_AManifestMayWriteTheDefaultGroupOfItsProject(t *testing.T) {
	w := newWorld(t)
	m := w.manifest(`
{apiVersion: conjunct/v1, kind: Project, metadata: {name: acme}, spec: {profile: isolated}}
---
{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: default-allow-egress, id: base}, spec: {rules: []}}
---
{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: default-allow-ssh}}
`, "acme")
	for _, want := range []api.Outcome{api.Created, api.Unchanged} {
		r, err := w.Apply(t.Context(), m)
		require.NoError(t, err)
		for _, d := range r.Documents {
			require.Equal(t, want, d.Result, "%+v", d)
		}
	}
	base, err := w.Groups().Get(t.Context(), "base")
	require.NoError(t, err)
	require.Equal(t, policy.OriginDefault, base.Origin)
	require.Empty(t, base.Rules)
	ssh, err := w.Groups().List(t.Context(), api.Query("name", "default-allow-ssh"))
	require.NoError(t, err)
	require.Len(t, ssh, 1)
	require.Equal(t, policy.OriginStarter, ssh[0].Origin)
	require.Len(t, ssh[0].Rules, 1, "a document without rules has those of the profile")
}

func TestAttachmentsInTwoPlacesHaveToAgree(t *testing.T) {
	w := newWorld(t)
	w.cloud()
	apply := func(target string) error {
		_, err := w.Apply(t.Context(), w.manifest(`
{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: g}, spec: {attachments: [{target: {instance_id: late}}]}}
---
{apiVersion: conjunct/v1, kind: Instance, metadata: {name: late}}
---
{apiVersion: conjunct/v1, kind: Attachment, metadata: {name: a}, spec: {security_group_id: g, target: `+target+`}}`, ""))
		return err
	}
	require.ErrorContains(t, apply("{subnet_id: front}"), "add it there")
	require.NoError(t, apply("{instance_id: late}"))
	require.NoError(t, apply("{instance_id: late}"))
}

func TestDocumentsOfNoKindSayWhereTheyAreWritten(t *testing.T) {
	w := newWorld(t)
	for kind, words := range map[string]string{"Token": "conjunct token create", "Rule": "their SecurityGroup", "Entry": "their IPSet"} {
		_, err := w.Apply(t.Context(), &api.Manifest{Documents: []json.RawMessage{
			json.RawMessage(`{"apiVersion": "conjunct/v1", "kind": "` + kind + `", "metadata": {"name": "a"}}`),
		}})
		require.ErrorContains(t, err, words)
	}
}
