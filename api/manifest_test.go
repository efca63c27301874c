package api_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"conjunct/api"
	"conjunct/policy"
)

// documents turns multi-document YAML into what apply takes.
func documents(t *testing.T, text string) (out []json.RawMessage) {
	t.Helper()
	for _, doc := range strings.Split(text, "\n---\n") {
		b, err := yaml.YAMLToJSON([]byte(doc))
		require.NoError(t, err)
		if string(b) != "null" {
			out = append(out, b)
		}
	}
	return out
}

func (w *world) manifest(text, project string) *api.Manifest {
	return &api.Manifest{Documents: documents(w.T, text), Project: project}
}

func fourTiers(t *testing.T) string {
	b, err := os.ReadFile("testdata/four-tiers.yaml")
	require.NoError(t, err)
	return string(b)
}

// tierCloud has the four instances of the worked example, each with a port on the same subnet.
const tierCloud = `
apiVersion: conjunct/v1
kind: Project
metadata: {name: acme}
---
apiVersion: conjunct/v1
kind: VPC
metadata: {name: main}
---
apiVersion: conjunct/v1
kind: Subnet
metadata: {name: front}
spec: {vpc_id: main, cidrs: [10.0.0.0/24, "2001:db8::/64"]}
---
apiVersion: conjunct/v1
kind: Port
metadata: {name: jumphost-0}
spec: {instance_id: jumphost, subnet_id: front, mac: "fa:16:3e:00:00:01", addresses: [10.0.0.1, "2001:db8::1"]}
---
apiVersion: conjunct/v1
kind: Port
metadata: {name: web-0}
spec: {instance_id: web, subnet_id: main/front, mac: "fa:16:3e:00:00:02", addresses: [10.0.0.2, "2001:db8::2"]}
---
apiVersion: conjunct/v1
kind: Port
metadata: {name: app-0}
spec: {instance_id: app, subnet_id: front, mac: "fa:16:3e:00:00:03", addresses: [10.0.0.3, "2001:db8::3"]}
---
apiVersion: conjunct/v1
kind: Port
metadata: {name: database-0}
spec: {instance_id: database, subnet_id: front, mac: "fa:16:3e:00:00:04", addresses: [10.0.0.4, "2001:db8::4"]}
---
{apiVersion: conjunct/v1, kind: Instance, metadata: {name: jumphost}}
---
{apiVersion: conjunct/v1, kind: Instance, metadata: {name: web}}
---
{apiVersion: conjunct/v1, kind: Instance, metadata: {name: app}}
---
{apiVersion: conjunct/v1, kind: Instance, metadata: {name: database}}
`

func results(r *api.ManifestResult) (out []api.Outcome) {
	for _, d := range r.Documents {
		out = append(out, d.Result)
	}
	return out
}

func TestA126_ForwardAndMutualReferencesLoadInOneApply(t *testing.T) {
	w := newWorld(t)
	m := w.manifest(tierCloud+"\n---\n"+fourTiers(t), "")
	require.Len(t, m.Documents, 20)
	before := w.everything()

	dry, err := w.Apply(t.Context(), m, api.DryRun())
	require.NoError(t, err)
	require.NotContains(t, results(dry), api.Unchanged)
	require.Equal(t, before, w.everything(), "a dry run stores nothing")

	var revision int64
	first, err := w.Apply(t.Context(), m, api.AtRevision(&revision))
	require.NoError(t, err)
	for i, d := range first.Documents {
		require.Equal(t, i, d.Index)
		require.Equal(t, api.Created, d.Result, d)
	}
	w.store.View(func(s *policy.Snapshot) {
		require.Equal(t, revision, s.Revision)
		for _, r := range policy.List[*policy.Rule](s, nil) {
			require.Equal(t, revision, r.Revision, "one transaction")
		}
	})

	again, err := w.Apply(t.Context(), m)
	require.NoError(t, err)
	for _, d := range again.Documents {
		require.Equal(t, api.Unchanged, d.Result, d)
	}
	require.Equal(t, revision, w.store.Revision(), "applying again makes no revision")
	require.Equal(t, first.Documents[0].ID, again.Documents[0].ID)
}

func TestA125_AVirtualMachineSetsTheGroupsOfItsInstance(t *testing.T) {
	w := newWorld(t)
	_, err := w.Apply(t.Context(), w.manifest(tierCloud, ""))
	require.NoError(t, err)
	r, err := w.Apply(t.Context(), w.manifest(fourTiers(t), "acme"))
	require.NoError(t, err)
	require.Equal(t, []api.Outcome{api.Created, api.Created, api.Created, api.Created, api.Created, api.Changed, api.Changed, api.Changed, api.Changed}, results(r))

	groups := func(instance string) (out []string) {
		w.store.View(func(s *policy.Snapshot) {
			for _, i := range policy.List(s, func(i *policy.Instance) bool { return i.Name == instance }) {
				for _, id := range i.SecurityGroupIDs {
					g, _ := policy.Find[*policy.Group](s, id)
					out = append(out, g.Name)
				}
			}
		})
		return out
	}
	require.Equal(t, []string{"webSG", "allowSSHFromJumphostSG"}, groups("web"))

	// The instances' own documents leave the groups alone.
	r, err = w.Apply(t.Context(), w.manifest(tierCloud, ""))
	require.NoError(t, err)
	require.NotContains(t, results(r), api.Changed)

	// A document that does not speak of groups leaves them; an empty list takes them.
	machine := func(spec string) string {
		return `{apiVersion: compute.evroclabs.net/v1alpha1, kind: VirtualMachine, metadata: {name: web}, spec: ` + spec + `}`
	}
	_, err = w.Apply(t.Context(), w.manifest(machine("{}"), ""))
	require.NoError(t, err)
	require.Len(t, groups("web"), 2)
	_, err = w.Apply(t.Context(), w.manifest(machine("{networking: {securityGroups: {securityGroupMemberships: []}}}"), ""))
	require.NoError(t, err)
	require.Empty(t, groups("web"))
}

// The acceptance matrix of the worked example, by the oracle.
func TestA128_TheFourTierExampleAllowsExactlyWhatItSays(t *testing.T) {
	w := newWorld(t)
	_, err := w.Apply(t.Context(), w.manifest(tierCloud+"\n---\n"+fourTiers(t), ""))
	require.NoError(t, err)
	vms := []string{"jumphost", "web", "app", "database"}
	want := map[string][]int{
		"internet>jumphost": {22}, "internet>web": {80, 443},
		"jumphost>web": {22}, "jumphost>app": {22}, "jumphost>database": {22}, "web>app": {8080}, "app>database": {3306},
	}
	classes := 0
	for _, family := range []int{4, 6} {
		outside := map[int]netip.Addr{4: netip.MustParseAddr("198.51.100.7"), 6: netip.MustParseAddr("2001:db8:ffff::7")}[family]
		ends := map[string]api.QuestionEnd{"internet": {Address: outside}}
		for _, vm := range vms {
			ends[vm] = api.QuestionEnd{PortID: policy.PortID(vm + "-0")}
		}
		for _, from := range append(vms, "internet") {
			for _, to := range append(vms, "internet") {
				if from == to {
					continue
				}
				for _, port := range []int{22, 80, 443, 3306, 8080, 25, 53} {
					expected := false
					if family == 4 || from != "internet" {
						for _, p := range want[from+">"+to] {
							expected = expected || p == port
						}
					}
					a, err := w.Explain(t.Context(), &api.Question{From: ends[from], To: ends[to], Protocol: policy.TCP, Port: new(policy.PortNumber(port)), Version: &family})
					require.NoError(t, err)
					require.Equal(t, expected, a.Allowed, "IPv%d %s to %s port %d: %+v", family, from, to, port, a.Steps)
					if a.Allowed && family == 4 {
						classes++
					}
				}
				a, err := w.Explain(t.Context(), &api.Question{From: ends[from], To: ends[to], Protocol: policy.ICMP, Version: &family})
				require.NoError(t, err)
				require.False(t, a.Allowed, "no rule allows ping: %s to %s", from, to)
			}
		}
	}
	require.Equal(t, 8, classes)
}

func TestA126_DeletingTheManifestLeavesWhatWasThereBefore(t *testing.T) {
	w := newWorld(t)
	_, err := w.Apply(t.Context(), w.manifest(tierCloud, ""))
	require.NoError(t, err)
	m := w.manifest(fourTiers(t), "")
	_, err = w.Apply(t.Context(), m)
	require.NoError(t, err)

	r, err := w.DeleteManifest(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, []api.Outcome{api.Deleted, api.Deleted, api.Deleted, api.Deleted, api.Deleted, api.Changed, api.Changed, api.Changed, api.Changed}, results(r))
	groups, err := w.Groups().List(t.Context())
	require.NoError(t, err)
	require.Len(t, groups, 3)
	for _, g := range groups {
		require.NotEmpty(t, g.Origin, "only what the project began with: %s", g.Name)
	}

	r, err = w.DeleteManifest(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, []api.Outcome{api.Absent, api.Absent, api.Absent, api.Absent, api.Absent, api.Unchanged, api.Unchanged, api.Unchanged, api.Unchanged}, results(r))

	r, err = w.DeleteManifest(t.Context(), w.manifest(tierCloud, "acme"))
	require.NoError(t, err)
	for _, d := range r.Documents {
		require.Equal(t, api.Deleted, d.Result, d)
	}
	projects, err := w.Projects().List(t.Context())
	require.NoError(t, err)
	require.Empty(t, projects)
}

func TestOwnKindsReferToEachOtherByName(t *testing.T) {
	w := newWorld(t)
	_, err := w.Apply(t.Context(), w.manifest(tierCloud, ""))
	require.NoError(t, err)
	text := `
{apiVersion: conjunct/v1, kind: Attachment, metadata: {name: front-gets-ping}, spec: {security_group_id: ping, target: {subnet_id: front}}}
---
{apiVersion: conjunct/v1, kind: Attachment, metadata: {name: web-gets-ping}, spec: {security_group_id: ping, target: {instance_id: web}}}
---
{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: ping, id: sg-ping}, spec: {description: x, rules: [
  {direction: in, protocol: icmp, remote: {ip_set_id: office}}, {direction: in, protocol: tcp, port_min: 1, remote: {subnet_id: front}}, {direction: out, protocol: all, remote: {security_group_id: shared}}]}}
---
{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: shared}, spec: {project_id: null}}
---
{apiVersion: conjunct/v1, kind: IPSet, metadata: {name: office}, spec: {ip_version: 4, entries: [{cidr: 192.0.2.7}]}}
---
{apiVersion: conjunct/v1, kind: Hypervisor, metadata: {name: hv1}}
---
{apiVersion: conjunct/v1, kind: Port, metadata: {name: web-1}, spec: {instance_id: web, subnet_id: front, hypervisor_id: hv1, mac: "fa:16:3e:00:00:09", addresses: [10.0.0.9], security_group_ids: [shared]}}
`
	m := w.manifest(text, "")
	_, err = w.Apply(t.Context(), m)
	require.NoError(t, err)
	g, err := w.Groups().Get(t.Context(), "sg-ping")
	require.NoError(t, err)
	require.Len(t, g.Rules, 3)
	require.NotEqual(t, policy.IPSetID("office"), g.Rules[0].Remote.IPSetID)
	attachments, err := w.AttachmentsOf("sg-ping").List(t.Context())
	require.NoError(t, err)
	require.Len(t, attachments, 2)
	p, err := w.Ports().Get(t.Context(), "web-1")
	require.NoError(t, err)
	require.Equal(t, policy.HostID("hv1"), p.HypervisorID)

	again, err := w.Apply(t.Context(), m)
	require.NoError(t, err)
	for _, d := range again.Documents {
		require.Equal(t, api.Unchanged, d.Result, d)
	}
	_, err = w.DeleteManifest(t.Context(), m)
	require.NoError(t, err)
	_, err = w.Groups().Get(t.Context(), "sg-ping")
	require.ErrorIs(t, err, &policy.NotFound{})
}

func TestManifestsNameTheDocumentTheKindTheNameAndTheField(t *testing.T) {
	w := newWorld(t)
	_, err := w.Apply(t.Context(), w.manifest(tierCloud, ""))
	require.NoError(t, err)
	const evroc = "apiVersion: networking.evroclabs.net/v1alpha1, kind: SecurityGroup, metadata: {name: webSG}"
	before := w.everything()
	for _, c := range []struct {
		name, doc, pointer, code, words string
	}{
		{"port on ICMP", `{` + evroc + `, spec: {rules: [{direction: Ingress, protocol: ICMP, port: 22, remote: {address: {IPAddressOrCIDR: 0.0.0.0/0}}}]}}`,
			"/documents/1/spec/rules/0/port", "port-not-allowed", `document 2, SecurityGroup "webSG": port_min/port_max may only be set`},
		{"host bits", `{` + evroc + `, spec: {rules: [{direction: Ingress, protocol: TCP, remote: {address: {IPAddressOrCIDR: 10.0.0.1/8}}}]}}`,
			"/documents/1/spec/rules/0/remote/address/IPAddressOrCIDR", "cidr-host-bits", `did you mean 10.0.0.0/8 or 10.0.0.1/32?`},
		{"range", `{` + evroc + `, spec: {rules: [{direction: Ingress, protocol: TCP, port: 90-80, remote: {address: {IPAddressOrCIDR: 10.0.0.1}}}]}}`,
			"/documents/1/spec/rules/0/port", "port-range", "port_min 90 is larger than port_max 80"},
		{"no port", `{` + evroc + `, spec: {rules: [{direction: Ingress, protocol: TCP, port: http, remote: {address: {IPAddressOrCIDR: 10.0.0.1}}}]}}`,
			"/documents/1/spec/rules/0/port", "value-invalid", "is not a port such as 80"},
		{"unknown group", `{` + evroc + `, spec: {rules: [{direction: Ingress, protocol: TCP, remote: {securityGroupRef: {name: nobodySG}}}]}}`,
			"/documents/1/spec/rules/0/remote/securityGroupRef/name", "reference-missing", `security-group "nobodySG" does not exist`},
		{"unknown subnet", `{` + evroc + `, spec: {rules: [{direction: Ingress, protocol: TCP, remote: {subnetRef: {name: back}}}]}}`,
			"/documents/1/spec/rules/0/remote/subnetRef/name", "reference-missing", `subnet "back" does not exist`},
		{"no remote", `{` + evroc + `, spec: {rules: [{direction: Ingress, protocol: TCP}]}}`,
			"/documents/1/spec/rules/0/remote", "required", "a remote is required"},
		{"two remotes", `{` + evroc + `, spec: {rules: [{direction: Ingress, protocol: TCP, remote: {subnetRef: {name: front}, address: {IPAddressOrCIDR: 10.0.0.1}}}]}}`,
			"/documents/1/spec/rules/0/remote", "remote-not-exclusive", "exactly one"},
		{"typo", `{` + evroc + `, spec: {rules: [{direction: Ingress, protokol: TCP}]}}`,
			"/documents/1/spec/rules/0/protokol", "unknown-field", `did you mean "protocol"?`},
		{"no such instance", `{apiVersion: compute.evroclabs.net/v1alpha1, kind: VirtualMachine, metadata: {name: mail}}`,
			"/documents/1/metadata/name", "reference-missing", `document 2, VirtualMachine "mail": instance "mail" does not exist`},
		{"a membership of nothing", `{apiVersion: compute.evroclabs.net/v1alpha1, kind: VirtualMachine, metadata: {name: web}, spec: {networking: {securityGroups: {securityGroupMemberships: [{name: nobodySG}]}}}}`,
			"/documents/1/spec/networking/securityGroups/securityGroupMemberships/0/name", "reference-missing", "nobodySG"},
		{"bad name", `{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: "no spaces"}}`,
			"/documents/1/metadata/name", "name-invalid", "does not match"},
		{"name in the spec", `{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: a}, spec: {name: b}}`,
			"/documents/1/metadata/name", "misplaced", "belongs into metadata.name"},
		{"unknown project", `{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: a, project: b}}`,
			"/documents/1/metadata/project", "reference-missing", `project "b" does not exist`},
		{"twice", `{apiVersion: conjunct/v1, kind: IPSet, metadata: {name: good}, spec: {ip_version: 4}}`,
			"/documents/1/metadata/name", "document-repeated", "document 1 is of the same object"},
		{"unknown kind", `{apiVersion: conjunct/v1, kind: Firewall, metadata: {name: a}}`,
			"/documents/1/kind", "kind-unknown", "conjunct/v1 SecurityGroup"},
		{"duplicate rule", `{` + evroc + `, spec: {rules: [{direction: Ingress, protocol: TCP, remote: {subnetRef: {name: front}}}, {name: x, direction: Ingress, protocol: TCP, remote: {subnetRef: {name: front}}}]}}`,
			"/documents/1/spec/rules/1", "rule-exists", "the same as rule"},
	} {
		t.Run(c.name, func(t *testing.T) {
			good := `{apiVersion: conjunct/v1, kind: IPSet, metadata: {name: good}, spec: {ip_version: 4}}`
			_, err := w.Apply(t.Context(), w.manifest(good+"\n---\n"+c.doc, ""))
			var p *api.Problem
			require.ErrorAs(t, err, &p)
			require.Len(t, p.Errors, 1, p.Errors)
			require.Equal(t, c.pointer, p.Errors[0].Pointer)
			require.Equal(t, c.code, p.Errors[0].Code)
			require.Contains(t, p.Errors[0].Message, c.words)
			require.Equal(t, before, w.everything(), "half-applied manifests do not exist")
		})
	}
}

func TestTheProjectOfADocument(t *testing.T) {
	w := newWorld(t)
	group := `{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: g}}`
	apply := func(text, project string) error {
		_, err := w.Apply(t.Context(), w.manifest(text, project))
		return err
	}
	owner := func(name string) (out []policy.ProjectID) {
		gs, err := w.Groups().List(t.Context(), api.Query("name", name))
		require.NoError(t, err)
		for _, g := range gs {
			out = append(out, g.ProjectID)
		}
		return out
	}
	require.ErrorContains(t, apply(group, ""), "--project NAME")
	w.put("/v1/projects/one", `{"name": "first"}`)
	require.NoError(t, apply(group, ""), "the only project there is")
	require.Equal(t, []policy.ProjectID{"one"}, owner("g"))
	w.put("/v1/projects/two", `{"name": "second"}`)
	require.ErrorContains(t, apply(group, ""), "2 projects exist")
	require.ErrorContains(t, apply(group, "third"), `project "third" does not exist`)
	require.NoError(t, apply(group, "second"), "the request's")
	require.Equal(t, 2, len(owner("g")))
	require.NoError(t, apply(`{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: h, project: two}}`, "first"), "the document's own, by id")
	require.Equal(t, []policy.ProjectID{"two"}, owner("h"))
	require.NoError(t, apply(`{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: i}, spec: {project_id: null}}`, "first"), "global")
	require.Equal(t, []policy.ProjectID{""}, owner("i"))
	// The name of a group of one project is not that of another's.
	require.NoError(t, apply(`{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: h}}`, "first"))
	require.Equal(t, 2, len(owner("h")))
}

func TestManifestsWithoutDocumentsAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{`{}`, `{"documents": []}`, `{"documents": [null]}`, `{"documents": [{}]}`, `{"documents": [7]}`, `{"documents": "x"}`} {
		w.do(http.MethodPost, "/v1/apply", body).problem(http.StatusUnprocessableEntity)
		w.do(http.MethodPost, "/v1/delete", body).problem(http.StatusUnprocessableEntity)
	}
}

// TestA126_TheRequestMayMeanAProjectThatItsDocumentsMake applies documents to an empty server, with a project named for all of them.
func TestA126_TheRequestMayMeanAProjectThatItsDocumentsMake(t *testing.T) {
	w := newWorld(t)
	m := api.Manifest{Project: "fresh", Documents: []json.RawMessage{
		json.RawMessage(`{"apiVersion":"conjunct/v1","kind":"SecurityGroup","metadata":{"name":"web"},"spec":{}}`),
		json.RawMessage(`{"apiVersion":"conjunct/v1","kind":"Project","metadata":{"name":"fresh"},"spec":{}}`),
	}}
	for _, want := range []api.Outcome{api.Created, api.Unchanged} {
		out, err := w.Apply(t.Context(), &m)
		require.NoError(t, err)
		for _, d := range out.Documents {
			require.Equal(t, want, d.Result, "%+v", d)
		}
	}
}
