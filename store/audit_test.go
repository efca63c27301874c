package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

func (s *Store) records(t testing.TB, q policy.AuditQuery) (out []policy.AuditRecord) {
	t.Helper()
	for {
		if q.Limit == 0 {
			q.Limit = 100
		}
		page, next, err := s.Audit(t.Context(), q)
		require.NoError(t, err)
		out = append(out, page...)
		if next == "" {
			return out
		}
		q.Before = next
	}
}

func TestAuditIsWrittenWithTheChange(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), Clock: func() time.Time { now = now.Add(time.Second); return now }})
	require.NoError(t, err)
	defer s.Close()
	populate(t, s)
	who := policy.Actor{TokenID: "tok-1", Name: "ada", Role: policy.RoleUser, ProjectID: "p", RequestID: "r-1", Remote: "192.0.2.1"}
	renamed := instance("i", "db")
	revision, err := s.Update(policy.WithActor(t.Context(), who), put(renamed, rule("r", "web", 80, policy.Remote{})))
	require.NoError(t, err)
	removed := mustUpdate(t, s, remove(policy.KindRule, "r"))
	mustUpdate(t, s, put(renamed)) // Changes nothing, so that there is nothing to record.
	require.NoError(t, s.DryRun(t.Context(), put(group("dry"))))

	all := s.records(t, policy.AuditQuery{})
	require.Len(t, all, 3, "newest first")
	require.Equal(t, removed, all[0].Revision)
	require.Equal(t, policy.ActorController, all[0].Actor.Name)
	require.Equal(t, policy.AuditDeleted, all[0].Changes[0].Action)
	require.Nil(t, all[0].Changes[0].After)
	require.Equal(t, revision, all[1].Revision)
	require.Equal(t, who, all[1].Actor)
	require.Equal(t, []policy.AuditAction{policy.AuditChanged, policy.AuditCreated}, []policy.AuditAction{all[1].Changes[0].Action, all[1].Changes[1].Action})
	require.Contains(t, string(all[1].Changes[0].Before), `"security_group_ids":["web"]`)
	require.Contains(t, string(all[1].Changes[0].After), `"security_group_ids":["db"]`)
	require.Equal(t, policy.ProjectID("p"), all[1].Changes[0].ProjectID)
	require.Empty(t, all[1].Changes[1].ProjectID, "the rule of a global group")
	require.Contains(t, string(all[1].Changes[1].After), `"number":`)

	require.Equal(t, all[1:2], s.records(t, policy.AuditQuery{Since: all[1].Time, Until: all[1].Time}), "bounds are inclusive")
	require.Equal(t, all, s.records(t, policy.AuditQuery{Limit: 1}), "page by page")
	require.Equal(t, all[:1], s.records(t, policy.AuditQuery{Keep: func(r *policy.AuditRecord) bool { return r.Revision == removed }}))

	_, batches, err := s.SnapshotAndWatch(t.Context())
	require.NoError(t, err)
	mustUpdate(t, s, put(group("seen")))
	b := <-batches
	require.Len(t, b.Changes, 1, "the log is no object")
	found, err := s.Fsck(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestAuditLeavesOutTheDigestsOfTokens(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	require.NoError(t, err)
	defer s.Close()
	_, digest := policy.NewTokenSecret("t")
	mustUpdate(t, s, put(&policy.Token{Meta: policy.Meta{ID: "t"}, Name: "t", Role: policy.RoleAdmin, Digest: digest}))
	text, err := digest.MarshalText()
	require.NoError(t, err)
	got, err := s.client.Get(t.Context(), s.layout.audit(), clientv3.WithPrefix())
	require.NoError(t, err)
	require.Len(t, got.Kvs, 1)
	require.NotContains(t, string(got.Kvs[0].Value), string(text))
	require.NotContains(t, string(got.Kvs[0].Value), "digest")
}

func TestAuditOfALargeTransactionHasASize(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	require.NoError(t, err)
	defer s.Close()
	const bulk = 10_000
	objects := []policy.Object{ipset("set")}
	for i := range bulk {
		objects = append(objects, entry(fmt.Sprint("e", i), "set", fmt.Sprintf("10.%d.%d.0/24", i/256, i%256)))
	}
	mustUpdate(t, s, put(objects...))
	got, err := s.client.Get(t.Context(), s.layout.audit(), clientv3.WithPrefix())
	require.NoError(t, err)
	require.Less(t, len(got.Kvs[0].Value), 40<<10)
	r := s.records(t, policy.AuditQuery{})[0]
	require.Equal(t, "set", r.Changes[0].ID)
	require.NotNil(t, r.Changes[0].After, "the first come in full")
	require.Positive(t, r.Shortened)
	require.Nil(t, r.Changes[len(r.Changes)-1].After)
	require.Equal(t, []policy.AuditCount{{Kind: policy.KindEntry, Action: policy.AuditCreated, Count: bulk + 1 - len(r.Changes)}}, r.Omitted)
}

func TestAuditKeepsTheNewest(t *testing.T) {
	const keep = 50
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), AuditKeep: keep})
	require.NoError(t, err)
	defer s.Close()
	var last int64
	for i := range 4 * keep {
		last = mustUpdate(t, s, put(project(fmt.Sprint("p", i))))
	}
	require.NoError(t, s.trimAudit(t.Context()))
	require.Eventually(t, func() bool { return len(s.records(t, policy.AuditQuery{})) < keep+slack(keep) }, 10*time.Second, 10*time.Millisecond)
	all := s.records(t, policy.AuditQuery{})
	require.GreaterOrEqual(t, len(all), keep)
	require.Equal(t, last, all[0].Revision)
	require.True(t, strings.HasPrefix(all[0].Changes[0].ID, "p"))
}

// BenchmarkAudit creates ports one after the other, by turns with and without the log, so that both meet the same disk.
func BenchmarkAudit(b *testing.B) {
	s := bench(b)
	var took [2]time.Duration
	n := 0
	for b.Loop() {
		for turn := range 2 {
			i := (turn + n/2) % 2 // Neither is always the first.
			s.audited.off = i == 0
			n++
			began := time.Now()
			_, err := s.Update(b.Context(), put(port(fmt.Sprintf("p%d", n), "i", n)))
			took[i] += time.Since(began)
			require.NoError(b, err)
		}
	}
	b.ReportMetric(took[0].Seconds()/float64(b.N)*1e6, "µs/port-without")
	b.ReportMetric(took[1].Seconds()/float64(b.N)*1e6, "µs/port-with")
	b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "ratio")
}
