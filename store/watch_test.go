package store

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

// replay applies batches up to a revision and checks what each promises: revisions ascend, Before is what was there.
func replay(t *testing.T, from *policy.Snapshot, batches <-chan policy.Batch, until int64) *policy.Snapshot {
	t.Helper()
	for from.Revision < until {
		b, ok := <-batches
		require.True(t, ok, "the channel is closed at %d, before %d", from.Revision, until)
		require.Greater(t, b.Revision, from.Revision)
		require.NotEmpty(t, b.Changes)
		for _, c := range b.Changes {
			was, ok := from.Get(c.Kind, c.ID)
			if !ok {
				require.Nil(t, c.Before)
			} else {
				require.Equal(t, was, c.Before)
			}
			if c.Object == nil {
				require.True(t, from.Delete(c.Kind, c.ID))
				continue
			}
			require.LessOrEqual(t, c.Object.Base().Revision, b.Revision)
			from.Put(c.Object)
		}
		from.Revision = b.Revision
	}
	return from
}

// equal requires that a snapshot is what etcd held at its revision.
func equal(t *testing.T, s *Store, got *policy.Snapshot) {
	t.Helper()
	want, err := s.load(t.Context(), got.DefaultProfile, got.Revision)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// churn writes groups, renames and deletes them, from several goroutines, until stopped; it returns the newest revision.
func churn(t *testing.T, s [2]*Store, writers, each int) (newest int64) {
	t.Helper()
	for _, err := range together(writers, func(i int) error {
		for n := range each {
			id := fmt.Sprintf("g%d-%d", i, n%3)
			g := group(id)
			g.Description = fmt.Sprint(n)
			if _, err := s[i%2].Update(t.Context(), put(g, rule(id+"r", id, 1+n, policy.Remote{GroupID: policy.GroupID(id)}))); err != nil {
				return err
			}
			if n%4 == 3 {
				if _, err := s[i%2].Update(t.Context(), remove(policy.KindGroup, id)); err != nil {
					return err
				}
			}
		}
		return nil
	}) {
		require.NoError(t, err)
	}
	return max(s[0].Revision(), s[1].Revision())
}

func TestSnapshotAndWatchIsExact(t *testing.T) {
	onBoth(t, func(t *testing.T, c cluster) {
		s := two(t, c)
		type view struct {
			snapshot *policy.Snapshot
			batches  <-chan policy.Batch
		}
		var views []view
		writing, stop := context.WithCancel(t.Context())
		var watchers sync.WaitGroup
		watchers.Go(func() { // Comes anew with every revision or two, while others write.
			for {
				v, batches, err := s[1].SnapshotAndWatch(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				views = append(views, view{v, batches})
				if s[1].mirror.wait(writing, v.Revision+1) != nil {
					return
				}
			}
		})
		newest := churn(t, s, 6, 20)
		stop()
		watchers.Wait()
		settled(t, s, newest)
		for _, v := range views {
			equal(t, s[1], replay(t, v.snapshot, v.batches, newest))
		}
		require.Greater(t, len(views), 10)
	})
}

func TestOpenWhileOthersWrite(t *testing.T) {
	s := two(t, inside)
	populate(t, s[0])
	type opened struct {
		store    *Store
		snapshot *policy.Snapshot
		batches  <-chan policy.Batch
	}
	var all []opened
	writing, stop := context.WithCancel(t.Context())
	var opening sync.WaitGroup
	opening.Go(func() {
		for writing.Err() == nil && len(all) < 50 {
			o, err := New(t.Context(), inside.client, Options{Prefix: string(s[0].layout)})
			if err != nil {
				t.Error(err)
				return
			}
			snapshot, batches, err := o.SnapshotAndWatch(t.Context())
			if err != nil {
				t.Error(err)
			}
			all = append(all, opened{o, snapshot, batches})
		}
	})
	newest := churn(t, s, 6, 20)
	stop()
	opening.Wait()
	for _, o := range all {
		require.Empty(t, dangling(o.snapshot))
		equal(t, s[0], replay(t, o.snapshot, o.batches, newest))
		o.store.Close()
	}
	require.Greater(t, len(all), 3)
	consistent(t, s[0])
}

// brittle is a watcher whose watches break after every answer.
type brittle struct{ clientv3.Watcher }

func (b brittle) Watch(ctx context.Context, name string, opts ...clientv3.OpOption) clientv3.WatchChan {
	out := make(chan clientv3.WatchResponse)
	ctx, cancel := context.WithCancel(ctx)
	from := b.Watcher.Watch(ctx, name, opts...)
	go func() {
		defer close(out)
		defer cancel()
		if r, ok := <-from; ok {
			select {
			case out <- r:
			case <-ctx.Done():
			}
		}
	}()
	return out
}

func TestAWatchThatBreaksGoesOnWhereItWas(t *testing.T) {
	c := clientv3.NewCtxClient(t.Context())
	c.KV, c.Watcher = inside.client.KV, brittle{inside.client.Watcher}
	s, err := New(t.Context(), c, Options{Prefix: freshPrefix()})
	require.NoError(t, err)
	defer s.Close()
	snapshot, batches, err := s.SnapshotAndWatch(t.Context())
	require.NoError(t, err)
	for n := range 4 {
		g := group("g")
		g.Description = fmt.Sprint(n)
		mustUpdate(t, s, put(g))
	}
	newest := mustUpdate(t, s, remove(policy.KindGroup, "g"))
	equal(t, s, replay(t, snapshot, batches, newest))
	consistent(t, s)
}

func TestSlowReaderGetsEverythingMerged(t *testing.T) {
	q := newSubscription()
	g := func(n int) *policy.Group { return &policy.Group{Meta: policy.Meta{ID: "g", Revision: int64(n)}} }
	const newest = 3*maxPending + 100
	for n := 1; n <= newest; n++ {
		change := policy.Change{Kind: policy.KindGroup, ID: "g", Object: g(n)}
		if n > 1 {
			change.Before = g(n - 1)
		}
		q.push(policy.Batch{Revision: int64(n), Changes: []policy.Change{change}})
	}
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	running.Go(func() { q.pump(ctx, t.Context()) })
	got := replay(t, policy.NewSnapshot(policy.ProfileIsolated), q.out, newest)
	o, _ := got.Get(policy.KindGroup, "g")
	require.Equal(t, g(newest), o)
	cancel()
	running.Wait()
}

func TestMerge(t *testing.T) {
	a0, a1, a2 := group("a"), group("a"), group("a")
	b1 := group("b")
	got := merge([]policy.Batch{
		{Revision: 3, Changes: []policy.Change{{Kind: policy.KindGroup, ID: "a", Object: a1, Before: a0}, {Kind: policy.KindGroup, ID: "b", Object: b1}}},
		{Revision: 5, Changes: []policy.Change{{Kind: policy.KindGroup, ID: "a", Object: a2, Before: a1}}},
		{Revision: 9, Changes: []policy.Change{{Kind: policy.KindGroup, ID: "b", Before: b1}}},
	})
	require.Equal(t, policy.Batch{Revision: 9, Changes: []policy.Change{{Kind: policy.KindGroup, ID: "a", Object: a2, Before: a0}}}, got)
}

func TestWatchEndsWithContextAndStore(t *testing.T) {
	s, err := New(t.Context(), inside.client, Options{Prefix: freshPrefix()})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	_, ended, err := s.SnapshotAndWatch(ctx)
	require.NoError(t, err)
	since, err := s.Since(ctx, s.Revision())
	require.NoError(t, err)
	cancel()
	drained(ended)
	drained(since)

	_, first, err := s.SnapshotAndWatch(t.Context())
	require.NoError(t, err)
	second, err := s.Since(t.Context(), s.Revision())
	require.NoError(t, err)
	s.Close()
	drained(first)
	drained(second)
	_, _, err = s.SnapshotAndWatch(t.Context())
	require.ErrorIs(t, err, ErrClosed)
	_, err = s.Since(t.Context(), 1)
	require.ErrorIs(t, err, ErrClosed)
}

func drained(c <-chan policy.Batch) {
	for range c {
	}
}

func TestSinceIsTheHistoryAndWhatFollows(t *testing.T) {
	onBoth(t, func(t *testing.T, c cluster) {
		s := two(t, c)
		populate(t, s[0])
		settled(t, s, s[0].Revision())
		middle, _, err := s[0].SnapshotAndWatch(t.Context())
		require.NoError(t, err)
		churn(t, s, 4, 8)
		since, err := s[1].Since(t.Context(), middle.Revision)
		require.NoError(t, err)
		newest := churn(t, s, 4, 8)
		equal(t, s[0], replay(t, middle, since, newest))
	})
}

func TestSinceOfWhatIsNotHeld(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	for _, rev := range []int64{-1, 0, s.Revision() + 1_000_000} {
		_, err := s.Since(t.Context(), rev)
		require.ErrorIs(t, err, ErrCompacted, rev)
	}
}

func TestCompaction(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	require.NoError(t, err)
	defer s.Close()
	populate(t, s)
	old := s.Revision()
	newest := churn(t, [2]*Store{s, s}, 2, 8)
	_, err = s.client.Compact(t.Context(), newest, clientv3.WithCompactPhysical())
	require.NoError(t, err)

	_, err = s.Since(t.Context(), old)
	require.ErrorIs(t, err, ErrCompacted)
	since, err := s.Since(t.Context(), newest)
	require.NoError(t, err)
	before, _, err := s.SnapshotAndWatch(t.Context())
	require.NoError(t, err)
	equal(t, s, replay(t, before, since, churn(t, [2]*Store{s, s}, 2, 8)))
	consistent(t, s)

	// A quiet store whose last revision is older than what etcd has compacted goes on as before.
	newer, err := s.client.Put(t.Context(), "/elsewhere", "")
	require.NoError(t, err)
	_, err = s.client.Compact(t.Context(), newer.Header.Revision, clientv3.WithCompactPhysical())
	require.NoError(t, err)
	consistent(t, s)
	mustUpdate(t, s, put(group("after")))
	consistent(t, s)
}

// A process that was cut off for longer than etcd keeps history gets the difference as one batch.
func TestReloadAfterCompaction(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	before, batches, err := s.SnapshotAndWatch(t.Context())
	require.NoError(t, err)
	s.stop() // The watch stands still while another process writes.
	s.running.Wait()
	other := inside.openAt(t, string(s.layout))
	churn(t, [2]*Store{other, other}, 2, 8)
	newest := mustUpdate(t, other, remove(policy.KindInstance, "i"))

	next := int64(1)
	require.NoError(t, s.reload(t.Context(), &next))
	require.Greater(t, next, newest)
	b := <-batches
	for _, c := range b.Changes {
		if c.Object == nil {
			before.Delete(c.Kind, c.ID)
		} else {
			before.Put(c.Object)
		}
	}
	before.Revision = b.Revision
	equal(t, other, before)
	consistent(t, s)
}

// What a newer version has written and this one can't read in full stops the mirror where it is: half understood policy is
// never applied.
func TestUnknownFieldsHalt(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	rev := s.Revision()
	name := s.layout.object(key{policy.KindGroup, "new"})
	_, err := s.client.Put(t.Context(), name, `{"id":"new","name":"new","evaluation":"union","deny_everything":true}`)
	require.NoError(t, err)
	require.ErrorIs(t, s.mirror.wait(t.Context(), rev+1), policy.ErrUnavailable)
	require.Equal(t, rev, s.Revision())
	require.ErrorContains(t, s.Healthy(t.Context()), "deny_everything")
	_, err = s.Update(t.Context(), put(group("g")))
	require.ErrorIs(t, err, policy.ErrUnavailable)
	_, _, err = s.SnapshotAndWatch(t.Context())
	require.ErrorIs(t, err, policy.ErrUnavailable)

	_, err = New(t.Context(), inside.client, Options{Prefix: string(s.layout)})
	require.ErrorContains(t, err, "security-group/new")
	require.ErrorContains(t, err, "deny_everything")
	_, err = s.client.Delete(t.Context(), name)
	require.NoError(t, err)
	require.NotNil(t, inside.openAt(t, string(s.layout)))
}
