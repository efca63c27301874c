package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

const (
	keepAliveTime    = 10 * time.Second // between pings of an idle connection to etcd
	keepAliveTimeout = 5 * time.Second
	longestDial      = 10 * time.Second // for a first answer to who one is
	messageOverhead  = 1 << 20          // of gRPC and etcd around a request's bytes
)

// dialExternal connects to an etcd cluster and makes sure that its transactions may be as large as ours.
func dialExternal(ctx context.Context, o Options) (*clientv3.Client, error) {
	c, err := clientv3.New(clientv3.Config{
		Endpoints: o.Endpoints, TLS: o.TLS, Username: o.Username, Password: o.Password, Logger: zapLogger(o.Log),
		DialTimeout:       dialTimeout(ctx), // Without it a client with a password asks for its token forever.
		DialKeepAliveTime: keepAliveTime, DialKeepAliveTimeout: keepAliveTimeout,
		MaxCallSendMsgSize: MaxRequest + messageOverhead,
	})
	if err != nil {
		return nil, fmt.Errorf("connect to etcd at %v: %w", o.Endpoints, err)
	}
	if err := probeLimits(ctx, c, o.Prefix); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("etcd at %v: %w", o.Endpoints, err)
	}
	return c, nil
}

// dialTimeout is as long as the context has time, and no longer than a start should be without an answer.
func dialTimeout(ctx context.Context) time.Duration {
	if end, bounded := ctx.Deadline(); bounded {
		return min(longestDial, time.Until(end))
	}
	return longestDial
}

// probeLimits finds out whether etcd takes MaxOperations in a transaction by asking for as many reads under a condition that
// never holds.
func probeLimits(ctx context.Context, c *clientv3.Client, prefix string) error {
	reads := make([]clientv3.Op, MaxOperations)
	for i := range reads {
		reads[i] = clientv3.OpGet(prefix, clientv3.WithCountOnly())
	}
	_, err := c.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(prefix), "<", 0)).Then(reads...).Commit()
	var tooLarge *policy.Invalid
	if err = translate("ask for its limits", err); errors.As(err, &tooLarge) {
		return fmt.Errorf("it takes too little in a transaction; start it with --max-txn-ops=%d --max-request-bytes=%d", MaxOperations, MaxRequest)
	}
	return err
}
