package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"conjunct/policy"
)

// ErrCompacted reports that the history does not reach back to a revision (or that the revision is of another store): the
// reader has to begin again with a list.
var ErrCompacted = errors.New("the store's history does not hold this revision")

// ErrClosed reports that the store was closed.
var ErrClosed = fmt.Errorf("the store is closed: %w", policy.ErrUnavailable)

// outcomes says what each refusal of etcd means to a caller; whatever is not listed means that the store is unavailable.
var outcomes = []struct {
	etcd error
	ours func(error) error
}{
	{rpctypes.ErrCompacted, func(error) error { return ErrCompacted }},
	{rpctypes.ErrFutureRev, func(error) error { return ErrCompacted }},
	{rpctypes.ErrTooManyOps, func(error) error {
		return tooLarge("the change needs more operations than etcd takes in one transaction (%d where it runs inside conjunctd, --max-txn-ops elsewhere)", MaxOperations)
	}},
	{rpctypes.ErrRequestTooLarge, func(error) error {
		return tooLarge("the change is larger than etcd takes in one request (%d bytes where it runs inside conjunctd, --max-request-bytes elsewhere)", MaxRequest)
	}},
	{context.Canceled, func(err error) error { return err }},
}

// translate turns an error of etcd into one of ours, with the operation that met it.
func translate(operation string, err error) error {
	if err == nil {
		return nil
	}
	for _, row := range outcomes {
		if isEtcd(err, row.etcd) {
			return fmt.Errorf("%s: %w", operation, row.ours(err))
		}
	}
	if oversized(err) {
		return fmt.Errorf("%s: %w", operation, tooLarge("the change is larger than etcd takes in one message (%s)", err))
	}
	return fmt.Errorf("%s: %w: %w", operation, policy.ErrUnavailable, err)
}

// isEtcd compares by code and text, which is how etcd's errors come through gRPC.
func isEtcd(err, want error) bool {
	if errors.Is(err, want) {
		return true
	}
	var e, w rpctypes.EtcdError
	return errors.As(rpctypes.Error(err), &e) && errors.As(want, &w) && e.Code() == w.Code() && e.Error() == w.Error()
}

// oversized reports a message that client or server refuse by its size before etcd sees it.
func oversized(err error) bool {
	s, ok := status.FromError(err)
	return ok && s.Code() == codes.ResourceExhausted && strings.Contains(s.Message(), "larger than max")
}
