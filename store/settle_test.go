package store

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

// lossy is etcd behind a line that loses the answer to one commit: made, on its way still, or never to arrive.
type lossy struct {
	clientv3.KV
	mu   sync.Mutex
	next func(commit func() (*clientv3.TxnResponse, error)) (*clientv3.TxnResponse, error)
}

type lossyTxn struct {
	clientv3.Txn
	kv *lossy
}

func (l *lossy) Txn(ctx context.Context) clientv3.Txn {
	return &lossyTxn{l.KV.Txn(context.WithoutCancel(ctx)), l}
}

func (t *lossyTxn) If(c ...clientv3.Cmp) clientv3.Txn  { t.Txn = t.Txn.If(c...); return t }
func (t *lossyTxn) Then(o ...clientv3.Op) clientv3.Txn { t.Txn = t.Txn.Then(o...); return t }
func (t *lossyTxn) Commit() (*clientv3.TxnResponse, error) {
	t.kv.mu.Lock()
	next := t.kv.next
	t.kv.next = nil
	t.kv.mu.Unlock()
	if next == nil {
		return t.Txn.Commit()
	}
	return next(t.Txn.Commit)
}

func openLossy(t *testing.T) (*Store, *lossy) {
	kv := &lossy{KV: inside.client.KV}
	c := clientv3.NewCtxClient(t.Context())
	c.KV, c.Watcher = kv, inside.client.Watcher
	s, err := New(t.Context(), c, Options{Prefix: freshPrefix()})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	populate(t, s)
	mustUpdate(t, s, put(rule("r0", "db", 1, policy.Remote{Any: true}))) // Takes numbers beforehand.
	return s, kv
}

func TestLostAnswer(t *testing.T) {
	renamed := group("db")
	renamed.Description = "changed"
	for name, fn := range map[string]func(policy.Tx) error{
		"create": put(rule("r1", "web", 22, policy.Remote{Any: true})),
		"change": put(renamed),
		"delete": remove(policy.KindRule, "r0"),
	} {
		t.Run(name+" was made", func(t *testing.T) {
			s, kv := openLossy(t)
			var made int64
			kv.next = func(commit func() (*clientv3.TxnResponse, error)) (*clientv3.TxnResponse, error) {
				r, err := commit()
				require.NoError(t, err)
				made = r.Header.Revision
				return nil, rpctypes.ErrTimeout
			}
			rev, err := s.Update(t.Context(), fn)
			require.NoError(t, err)
			require.GreaterOrEqual(t, rev, made)
			require.Equal(t, made, s.Revision(), "made once")
			consistent(t, s)
		})
		t.Run(name+" was not made", func(t *testing.T) {
			s, kv := openLossy(t)
			kv.next = func(func() (*clientv3.TxnResponse, error)) (*clientv3.TxnResponse, error) {
				return nil, rpctypes.ErrTimeoutDueToLeaderFail
			}
			rev, err := s.Update(t.Context(), fn)
			require.NoError(t, err)
			require.Equal(t, rev, s.Revision())
			consistent(t, s)
		})
		t.Run(name+" arrives late", func(t *testing.T) {
			s, kv := openLossy(t)
			var late func() (*clientv3.TxnResponse, error)
			kv.next = func(commit func() (*clientv3.TxnResponse, error)) (*clientv3.TxnResponse, error) {
				late = commit
				return nil, context.DeadlineExceeded
			}
			boom := errors.New("given up")
			runs := 0
			_, err := s.Update(t.Context(), func(tx policy.Tx) error {
				if runs++; runs == 2 {
					return boom
				}
				return fn(tx)
			})
			require.ErrorIs(t, err, boom)
			before := s.Revision()
			r, err := late()
			require.NoError(t, err)
			require.False(t, r.Succeeded, "it is barred")
			require.Equal(t, before, s.Revision())
			consistent(t, s)
		})
	}
}

func TestLostAnswerAndEtcdWithIt(t *testing.T) {
	s, kv := openLossy(t)
	broken := &brokenPut{KV: kv.KV}
	kv.KV = broken
	kv.next = func(func() (*clientv3.TxnResponse, error)) (*clientv3.TxnResponse, error) {
		return nil, rpctypes.ErrTimeout
	}
	_, err := s.Update(t.Context(), put(group("g")))
	require.ErrorIs(t, err, policy.ErrUnavailable)
	require.ErrorContains(t, err, "not known whether the change was made")
}

// The line breaks again while the store finds out: it goes on asking, and the caller is not left in doubt.
func TestLostAnswerAndLostQuestions(t *testing.T) {
	s, kv := openLossy(t)
	lossy := &lossyPut{KV: kv.KV, lose: 3}
	kv.KV = lossy
	kv.next = func(commit func() (*clientv3.TxnResponse, error)) (*clientv3.TxnResponse, error) {
		_, err := commit()
		require.NoError(t, err)
		return nil, io.ErrUnexpectedEOF
	}
	mustUpdate(t, s, put(group("g")))
	require.Zero(t, lossy.lose)
	require.NotNil(t, get[*policy.Group](t, s, "g"))
	consistent(t, s)
}

// lossyPut carries puts out, and loses the answers to the first of them.
type lossyPut struct {
	clientv3.KV
	lose int
}

func (l *lossyPut) Put(ctx context.Context, key, value string, options ...clientv3.OpOption) (*clientv3.PutResponse, error) {
	r, err := l.KV.Put(ctx, key, value, options...)
	if l.lose > 0 && err == nil {
		l.lose--
		return nil, io.ErrUnexpectedEOF
	}
	return r, err
}

type brokenPut struct{ clientv3.KV }

func (brokenPut) Put(context.Context, string, string, ...clientv3.OpOption) (*clientv3.PutResponse, error) {
	return nil, rpctypes.ErrNoLeader
}

func TestRefusalIsNoLoss(t *testing.T) {
	s, kv := openLossy(t)
	kv.next = func(func() (*clientv3.TxnResponse, error)) (*clientv3.TxnResponse, error) {
		return nil, rpctypes.ErrNoSpace
	}
	_, err := s.Update(t.Context(), put(group("g")))
	require.ErrorIs(t, err, policy.ErrUnavailable)
	require.NotContains(t, err.Error(), "not known")
	require.Zero(t, s.fence.revision.Load())
	mustUpdate(t, s, put(group("g")))
}
