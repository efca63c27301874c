package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"conjunct/policy"
)

// seeds are bodies that reach every branch of the decoder.
var seeds = []string{
	`{"name": "g", "project_id": null, "tags": {"a": "b"}, "rules": [{"direction": "in", "protocol": 6, "port_min": 1, "remote": {"cidrs": ["10.0.0.0/8"]}, "local_cidr": "10.0.0.1"}]}`,
	`{"instance_id": "i", "mac": "fa:16:3e:00:00:01", "addresses": ["10.0.0.1"], "allowed_address_pairs": [{"mac": "", "cidr": "10.0.0.1"}], "roles": ["router"]}`,
	`{"name": "s", "ip_version": 4, "entries": [{"cidr": "10.0.0.1/8"}]}`, `{"target": {"tag": {"a": "b"}, "cidr": "::/0"}}`,
	`{"documents": [{"apiVersion": "conjunct/v1", "kind": "SecurityGroup", "metadata": {"name": "a"}, "spec": {"rules": []}}]}`,
	`{"documents": [{"apiVersion": "networking.evroclabs.net/v1alpha1", "kind": "SecurityGroup", "metadata": {"name": "a"}, "spec": {"rules": [{"port": "1-2", "remote": {"subnetRef": {"name": "x"}}}]}}]}`,
	`{"from": {"port_id": "a"}, "to": {"address": "::1"}, "protocol": "tcp", "port": 1}`,
	`{"rules": null, "remote": {"any": false}}`, `{"a": 1, "a": 2}`, `[]`, `null`, `7`, `"x"`, `{`, ``, "\x00", `{"name": "\ud800"}`, `{"/~": {}}`,
}

func decodable() []any {
	out := []any{new(Attachment), new(Entry), new(Question), new(Manifest), new(bulkRequest), new(document), new(evrocGroup), new(evrocMachine)}
	for _, rs := range resources {
		if rs.blank != nil {
			out = append(out, rs.blank())
		}
	}
	return append(out, new(Token))
}

// A body is read or refused with what is wrong with it; what was read is read again from its own form.
func FuzzDecodeStrict(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		for _, into := range decodable() {
			err := decodeStrict(doc, into)
			var bad *policy.Invalid
			var p *Problem
			switch {
			case err == nil:
				again, merr := json.Marshal(wanted(into))
				if merr != nil {
					t.Fatalf("%T of %q does not marshal: %v", into, doc, merr)
				}
				if !json.Valid(again) {
					t.Fatalf("%T of %q marshals to %q", into, doc, again)
				}
			case errors.As(err, &bad):
				if len(bad.Findings) == 0 {
					t.Fatalf("%T: refused without a finding: %q", into, doc)
				}
			case !errors.As(err, &p) || p.Status != http.StatusBadRequest:
				t.Fatalf("%T: %v", into, err)
			}
		}
	})
}

// A merge patch gives a document or a refusal, and never a remote of anywhere that the patch does not ask for.
func FuzzMergePatch(f *testing.F) {
	for _, s := range append(seeds, `{"remote": {"cidrs": null}}`, `{"remote": {"any": true}}`, `{"remote": {}}`) {
		f.Add([]byte(s))
	}
	current := &Rule{Rule: policy.Rule{Meta: policy.Meta{ID: "r"}, GroupID: "g", Direction: policy.Ingress, Protocol: policy.TCP, Action: policy.Allow, Remote: policy.Remote{GroupID: "g"}}}
	f.Fuzz(func(t *testing.T, patch []byte) {
		if !json.Valid(patch) {
			return
		}
		merged, err := mergeInto(current, patch, "")
		if err != nil {
			return
		}
		out := new(Rule)
		if decodeStrict(merged, out) != nil {
			return
		}
		var asked struct{ Remote struct{ Any bool } }
		if out.Remote.Kind() == policy.RemoteAny && (json.Unmarshal(patch, &asked) != nil || !asked.Remote.Any) {
			t.Fatalf("%s opens the rule: %s", patch, merged)
		}
	})
}

func FuzzManifest(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		var in Manifest
		if decodeStrict(doc, &in) != nil {
			return
		}
		documents, err := readDocuments(in.Documents)
		if len(documents) != len(in.Documents) {
			t.Fatalf("%d documents of %d", len(documents), len(in.Documents))
		}
		if err != nil {
			return
		}
		n := newNaming(policy.NewSnapshot(""), "")
		for _, p := range n.placeAll(n.setAside(documents)) {
			n.resolved(p)
		}
		_ = inDocuments(documents, &n.Invalid)
	})
}

func FuzzBulkLines(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8 x # y\n\n# z\n::1", "#", " \t", "a#b", "\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		for _, l := range bulkLines(doc) {
			if l.value == "" || l.number < 1 {
				t.Fatalf("%+v", l)
			}
		}
	})
}
