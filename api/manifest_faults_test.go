package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
)

// located are the findings of a problem as "pointer code".
func located(t *testing.T, err error) (out []string) {
	t.Helper()
	var p *api.Problem
	require.ErrorAs(t, err, &p)
	for _, f := range p.Errors {
		require.NotEmpty(t, f.Message)
		out = append(out, f.Pointer+" "+f.Code)
	}
	return out
}

// TestA126_AllThatIsWrongWithAFileIsToldAtOnce applies files in which documents can't be read, name what does not exist and say what
// is not valid, beside good ones.
func TestA126_AllThatIsWrongWithAFileIsToldAtOnce(t *testing.T) {
	w := newWorld(t)
	_, err := w.Apply(t.Context(), w.manifest(tierCloud, ""))
	require.NoError(t, err)
	before := w.everything()
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"every kind of fault", `
{apiVersion: conjunct/v1, kind: IPSet, metadata: {name: good}, spec: {ip_version: 4}}
---
{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: unreadable}, spec: {rules: [{direction: up}, {direction: in, protokol: tcp}], name: x}}
---
{apiVersion: networking.evroclabs.net/v1alpha1, kind: SecurityGroup, metadata: {name: half}, spec: {rules: [
  {direction: Ingress, protokol: TCP, remote: {subnetRef: {name: front}}}, {direction: Ingress, protocol: TCP}]}}
---
{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: nameless}, spec: {rules: [
  {direction: in, protocol: tcp, remote: {security_group_id: nobody}}, {direction: in, protocol: icmp, port_min: 1}]}}
---
{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: invalid}, spec: {rules: [
  {direction: in, protocol: tcp, port_min: 9, port_max: 8}, {direction: in, protocol: tcp, remote: {cidrs: [10.0.0.1/8]}}]}}
---
{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: fine}, spec: {rules: [
  {direction: in, protocol: tcp, remote: {security_group_id: unreadable}}, {direction: in, protocol: udp, remote: {security_group_id: half}}]}}
---
{apiVersion: compute.evroclabs.net/v1alpha1, kind: VirtualMachine, metadata: {name: nobody}}
`, []string{
			"/documents/1/spec/rules/0/direction value-invalid",
			"/documents/1/spec/rules/1/protokol unknown-field",
			"/documents/1/metadata/name misplaced",
			"/documents/2/spec/rules/0/protokol unknown-field",
			"/documents/2/spec/rules/1/remote required",
			"/documents/3/spec/rules/0/remote/security_group_id reference-missing",
			"/documents/3/spec/rules/1/port_min port-not-allowed",
			"/documents/4/spec/rules/0/port_min port-range",
			"/documents/4/spec/rules/1/remote/cidrs/0 cidr-host-bits",
			"/documents/6/metadata/name reference-missing",
		}},
		{"what may be in a document that can't be read", `
{apiVersion: conjunct/v1, kind: Projekt, metadata: {name: shop}}
---
{apiVersion: conjunct/v1, kind: VPC, metadata: {name: net, project: shop}}
---
{apiVersion: conjunct/v1, kind: Subnet, metadata: {name: lan, project: shop}, spec: {vpc_id: net, cidr: 10.0.0.0/8}}
---
{apiVersion: conjunct/v1, kind: Instance, metadata: {name: vm, project: shop}}
---
{apiVersion: conjunct/v1, kind: Port, metadata: {name: vm-0, project: shop}, spec: {instance_id: vm, subnet_id: net/lan, mac: "fa:16:3e:00:01:01"}}
`, []string{"/documents/0/kind kind-unknown", "/documents/2/spec/cidr unknown-field"}},
		{"one fault in one object", `
{apiVersion: conjunct/v1, kind: SecurityGroup, metadata: {name: g}, spec: {rules: [{direction: in, protocol: icmp, port_min: 1, remote: {security_group_id: nobody}}]}}
`, []string{
			"/documents/0/spec/rules/0/remote/security_group_id reference-missing",
			"/documents/0/spec/rules/0/port_min port-not-allowed",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, options := range [][]api.Option{nil, {api.DryRun()}} {
				_, err := w.Apply(t.Context(), w.manifest(c.text, "acme"), options...)
				require.ElementsMatch(t, c.want, located(t, err))
				require.Equal(t, before, w.everything(), "nothing is half done")
			}
		})
	}
	_, err = w.DeleteManifest(t.Context(), w.manifest("{apiVersion: conjunct/v1, kind: Instance, metadata: {name: web}}\n---\n{kind: Port}", ""))
	require.Equal(t, []string{"/documents/1/apiVersion kind-unknown"}, located(t, err))
	require.Equal(t, before, w.everything())
}

func TestAKindThatIsAlmostOneIsSuggested(t *testing.T) {
	w := newWorld(t)
	for said, want := range map[string]string{
		"conjunct/v1 SecurityGroups":                           `did you mean apiVersion "conjunct/v1" with kind "SecurityGroup"?`,
		"conjunct/v1 securitygroup":                            `did you mean apiVersion "conjunct/v1" with kind "SecurityGroup"?`,
		"networking.evroclabs.net/v1alpha1 SecuirtyGroup":      `did you mean apiVersion "networking.evroclabs.net/v1alpha1" with kind "SecurityGroup"?`,
		"networking.evroclabs.net/v1 SecurityGroup":            `did you mean apiVersion "networking.evroclabs.net/v1alpha1" with kind "SecurityGroup"?`,
		"networking.evroclabs.net/v1alpha1 VirtualMachine":     `did you mean apiVersion "compute.evroclabs.net/v1alpha1" with kind "VirtualMachine"?`,
		"conjunct/v2 Vpc":                                      `did you mean apiVersion "conjunct/v1" with kind "VPC"?`,
		"conjunct/v1 Firewall":                                 "is not known; these are",
		"conjunct/v1 X":                                        "is not known; these are",
		"conjunct/v1 " + strings.Repeat("SecurityGroup", 1000): "is not known; these are",
	} {
		version, kind, _ := strings.Cut(said, " ")
		_, err := w.Apply(t.Context(), w.manifest(`{apiVersion: "`+version+`", kind: "`+kind+`", metadata: {name: a}}`, ""))
		require.ErrorContains(t, err, want, said)
	}
}
