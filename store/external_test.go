package store

import (
	"context"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/embed"

	"conjunct/policy"
)

func TestExternalEtcd(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	e, endpoint := startExternal(dir, MaxOperations, MaxRequest)
	s, err := Open(t.Context(), Options{Endpoints: []string{endpoint}})
	require.NoError(t, err)
	defer s.Close()
	other, err := Open(t.Context(), Options{Endpoints: []string{endpoint}})
	require.NoError(t, err)
	populate(t, s)
	require.NoError(t, other.mirror.wait(t.Context(), s.Revision()))
	mustUpdate(t, other, put(port("p1", "i", 1)))
	other.Close()
	require.NoError(t, s.mirror.wait(t.Context(), 2))
	require.NoError(t, s.Healthy(t.Context()))
	consistent(t, s)

	// etcd goes away: reads go on, writes say so.
	before, batches, err := s.SnapshotAndWatch(t.Context())
	require.NoError(t, err)
	e.Close()
	require.True(t, exists(s, policy.KindGroup, "web"))
	cut, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Healthy(cut), policy.ErrUnavailable)

	// It comes back at the same place, and everything goes on where it was.
	e = restartExternal(t, dir, endpoint)
	defer e.Close()
	third, err := Open(t.Context(), Options{Endpoints: []string{endpoint}})
	require.NoError(t, err)
	defer third.Close()
	mustUpdate(t, third, put(group("after")))
	newest := mustUpdate(t, third, remove(policy.KindPort, "p1"))
	equal(t, third, replay(t, before, batches, newest))
	mustUpdate(t, s, put(group("again")))
	consistent(t, s)
}

func restartExternal(t *testing.T, dir, endpoint string) *embed.Etcd {
	t.Helper()
	u, err := url.Parse(endpoint)
	require.NoError(t, err)
	c := embeddedConfig(dir, Options{}.withDefaults().Log)
	c.ListenClientUrls = []url.URL{*u}
	e, err := embed.StartEtcd(c)
	require.NoError(t, err)
	<-e.Server.ReadyNotify()
	return e
}

func TestExternalEtcdThatTakesTooLittle(t *testing.T) {
	e, endpoint := startExternal(t.TempDir(), embed.DefaultMaxTxnOps, embed.DefaultMaxRequestBytes)
	defer e.Close()
	_, err := Open(t.Context(), Options{Endpoints: []string{endpoint}})
	require.ErrorContains(t, err, "--max-txn-ops=131072")
	require.ErrorContains(t, err, "--max-request-bytes=67108864")
}

func TestNoEtcdThere(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Open(ctx, Options{Endpoints: []string{"http://127.0.0.1:1"}})
	require.ErrorIs(t, err, policy.ErrUnavailable)
	require.ErrorContains(t, err, "127.0.0.1:1")
}

func TestEtcdWithoutSpace(t *testing.T) {
	server, err := startEmbedded(t.Context(), t.TempDir(), Options{}.withDefaults().Log)
	require.NoError(t, err)
	defer server.close()
	s := cluster{"full", server.client()}.open(t)
	populate(t, s)
	before := keys(t, s)
	alarm(t, server, pb.AlarmRequest_ACTIVATE)
	_, err = s.Update(t.Context(), put(group("g")))
	require.ErrorIs(t, err, policy.ErrUnavailable)
	require.ErrorContains(t, err, "space")
	require.ErrorIs(t, s.Healthy(t.Context()), policy.ErrUnavailable)
	require.Equal(t, before, keys(t, s))

	alarm(t, server, pb.AlarmRequest_DEACTIVATE)
	mustUpdate(t, s, put(group("g")))
	require.NoError(t, s.Healthy(t.Context()))
}

// alarm raises or clears etcd's alarm about a full quota.
func alarm(t *testing.T, server *embedded, action pb.AlarmRequest_AlarmAction) {
	t.Helper()
	_, err := server.etcd.Server.Alarm(t.Context(), &pb.AlarmRequest{
		MemberID: uint64(server.etcd.Server.MemberID()), Action: action, Alarm: pb.AlarmType_NOSPACE,
	})
	require.NoError(t, err)
}
