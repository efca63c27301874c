package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"conjunct/api"
	"conjunct/policy"
	"conjunct/policy/policytest"
	"conjunct/store"
)

// One more member for a group of 10,000, from the request to its answer: token, decoding, judgement, commit, answer. What
// follows, up to the switch, is the controller's.
func BenchmarkAttachToAGroupOfTenThousand(b *testing.B) {
	s, err := store.New(b.Context(), etcd, store.Options{Prefix: fmt.Sprintf("/bench/%d/", worlds.Add(1))})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	id := policy.NewID(policy.KindToken)
	secret, digest := policy.NewTokenSecret(id)
	const members = 10000
	_, err = s.Update(b.Context(), func(tx policy.Tx) error {
		for _, o := range []policy.Object{
			&policy.Token{Meta: policy.Meta{ID: id}, Name: "bench", Role: policy.RoleAdmin, Digest: digest},
			&policy.Project{Meta: policy.Meta{ID: "prj"}, Name: "prj"},
			&policy.Group{Meta: policy.Meta{ID: "g"}, Name: "g", ProjectID: "prj"},
		} {
			if err := tx.Put(o); err != nil {
				return err
			}
		}
		return nil
	})
	for begin := 0; err == nil && begin < members+1; begin += 1000 {
		_, err = s.Update(b.Context(), func(tx policy.Tx) error {
			for i := begin; i < begin+1000; i++ {
				o := &policy.Instance{Meta: policy.Meta{ID: fmt.Sprintf("vm-%d", i)}, Name: fmt.Sprintf("vm-%d", i), ProjectID: "prj", SecurityGroupIDs: []policy.GroupID{"g"}}
				if i >= members {
					o.SecurityGroupIDs = nil
				}
				if err := tx.Put(o); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		b.Fatal(err)
	}
	server, err := api.NewServer(api.Options{Objects: s, Inspector: policytest.NewHosts(), Metrics: prometheus.NewRegistry()})
	if err != nil {
		b.Fatal(err)
	}
	send := func(method, path, body string, want int) {
		r, err := http.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+secret)
		w := new(recorder)
		server.ServeHTTP(w, r)
		if w.status != want {
			b.Fatalf("%s %s: %d %s", method, path, w.status, w.body)
		}
	}
	for b.Loop() {
		send(http.MethodPost, "/v1/security-groups/g/attachments", `{"target": {"instance_id": "vm-10000"}}`, http.StatusCreated)
		b.StopTimer()
		send(http.MethodDelete, "/v1/security-groups/g/attachments/att-ins-vm-10000", "", http.StatusNoContent)
		b.StartTimer()
	}
}

// recorder is a ResponseWriter without a connection.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = make(http.Header)
	}
	return r.header
}
func (r *recorder) WriteHeader(status int) { r.status = status }
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.body = append(r.body, b...)
	return len(b), nil
}
