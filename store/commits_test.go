package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// busy is etcd that counts the commits that it has at a time.
type busy struct {
	clientv3.KV
	now, most atomic.Int64
}

type busyTxn struct {
	clientv3.Txn
	kv *busy
}

func (b *busy) Txn(ctx context.Context) clientv3.Txn { return &busyTxn{b.KV.Txn(ctx), b} }

func (t *busyTxn) If(c ...clientv3.Cmp) clientv3.Txn  { t.Txn = t.Txn.If(c...); return t }
func (t *busyTxn) Then(o ...clientv3.Op) clientv3.Txn { t.Txn = t.Txn.Then(o...); return t }
func (t *busyTxn) Commit() (*clientv3.TxnResponse, error) {
	n := t.kv.now.Add(1)
	defer t.kv.now.Add(-1)
	for most := t.kv.most.Load(); n > most && !t.kv.most.CompareAndSwap(most, n); most = t.kv.most.Load() {
	}
	return t.Txn.Commit()
}

// A burst waits here, not in etcd's queue, where commits would be given up for lost; who gives up waiting has changed nothing.
func TestCommits_OnlySoManyAtATime(t *testing.T) {
	kv := &busy{KV: inside.client.KV}
	c := clientv3.NewCtxClient(t.Context())
	c.KV, c.Watcher = kv, inside.client.Watcher
	s, err := New(t.Context(), c, Options{Prefix: freshPrefix()})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	for _, err := range together(5*maxCommits, func(i int) error {
		_, err := s.Update(t.Context(), put(group(fmt.Sprintf("g%d", i))))
		return err
	}) {
		require.NoError(t, err)
	}
	require.Positive(t, kv.most.Load())
	require.LessOrEqual(t, kv.most.Load(), int64(maxCommits+1), "and one that takes numbers")
	require.Zero(t, s.fence.revision.Load())

	for range maxCommits {
		s.commits <- struct{}{}
	}
	gone, cancel := context.WithCancel(t.Context())
	before := s.Revision()
	waiting := make(chan error, 1)
	go func() {
		_, err := s.Update(gone, put(group("late")))
		waiting <- err
	}()
	cancel()
	require.ErrorIs(t, <-waiting, context.Canceled)
	require.Equal(t, before, s.Revision())
}
