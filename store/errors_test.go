package store

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"conjunct/policy"
)

func TestErrorsOfEtcd(t *testing.T) {
	tooLarge := func(t *testing.T, err error) {
		var invalid *policy.Invalid
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, "transaction-too-large", invalid.Findings[0].Code)
	}
	is := func(want error) func(*testing.T, error) {
		return func(t *testing.T, err error) { require.ErrorIs(t, err, want) }
	}
	for _, c := range []struct {
		etcd    error
		refused bool // nothing was changed, for certain
		is      func(*testing.T, error)
	}{
		{rpctypes.ErrCompacted, false, is(ErrCompacted)},
		{rpctypes.ErrFutureRev, false, is(ErrCompacted)},
		{rpctypes.ErrGRPCTooManyOps, true, tooLarge},
		{rpctypes.ErrRequestTooLarge, true, tooLarge},
		{status.Error(codes.ResourceExhausted, "trying to send message larger than max (9 vs. 8)"), true, tooLarge},
		{rpctypes.ErrNoSpace, true, is(policy.ErrUnavailable)},
		{rpctypes.ErrGRPCNoSpace, true, is(policy.ErrUnavailable)},
		{rpctypes.ErrNoLeader, true, is(policy.ErrUnavailable)},
		{rpctypes.ErrTimeout, false, is(policy.ErrUnavailable)},
		{rpctypes.ErrLeaderChanged, false, is(policy.ErrUnavailable)},
		{rpctypes.ErrStopped, false, is(policy.ErrUnavailable)},
		{status.Error(codes.Unavailable, "connection refused"), false, is(policy.ErrUnavailable)},
		{errors.New("whatever"), false, is(policy.ErrUnavailable)},
		{context.DeadlineExceeded, false, is(policy.ErrUnavailable)},
		{context.Canceled, false, is(context.Canceled)},
	} {
		t.Run(c.etcd.Error(), func(t *testing.T) {
			got := translate("commit", c.etcd)
			c.is(t, got)
			require.ErrorContains(t, got, "commit: ")
			require.Equal(t, c.refused, refused(c.etcd))
		})
	}
	require.NoError(t, translate("commit", nil))
}

func TestLargeChangesOverGRPC(t *testing.T) {
	s := outside.open(t)
	for _, size := range []int{MaxRequest, MaxRequest + 2*messageOverhead} { // Refused by etcd, and by its client.
		g := group("long")
		g.Description = string(make([]byte, size/6)) // Each is \u0000 in JSON.
		_, err := s.Update(t.Context(), put(g))
		var invalid *policy.Invalid
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, "transaction-too-large", invalid.Findings[0].Code)
	}
	require.Zero(t, s.fence.revision.Load())
}
