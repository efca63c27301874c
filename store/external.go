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
	messageOverhead  = 1 << 20 // of gRPC and etcd around a request's bytes
)

// dialExternal connects to an etcd cluster and makes sure that its transactions may be as large as ours.
func dialExternal(ctx context.Context, o Options) (*clientv3.Client, error) {
	c, err := clientv3.New(clientv3.Config{
		Endpoints: o.Endpoints, TLS: o.TLS, Logger: zapLogger(o.Log),
		DialKeepAliveTime: keepAliveTime, DialKeepAliveTimeout: keepAliveTimeout,
		MaxCallSendMsgSize: MaxRequest + messageOverhead,
	})
	if err != nil {
		return nil, fmt.Errorf("connect to etcd at %v: %w", o.Endpoints, err)
	}
	if err := probeLimits(ctx, c); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("etcd at %v: %w", o.Endpoints, err)
	}
	return c, nil
}

// probeLimits finds out whether etcd takes MaxOperations in a transaction by asking for as many reads under a condition that
// never holds.
func probeLimits(ctx context.Context, c *clientv3.Client) error {
	reads := make([]clientv3.Op, MaxOperations)
	for i := range reads {
		reads[i] = clientv3.OpGet("/", clientv3.WithCountOnly())
	}
	_, err := c.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision("/"), "<", 0)).Then(reads...).Commit()
	var tooLarge *policy.Invalid
	if err = translate("ask for its limits", err); errors.As(err, &tooLarge) {
		return fmt.Errorf("it takes too little in a transaction; start it with --max-txn-ops=%d --max-request-bytes=%d", MaxOperations, MaxRequest)
	}
	return err
}
