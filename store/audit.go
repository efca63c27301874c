package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

// The audit log lies beside the objects, below a prefix that nobody watches. A record's key begins with what is left of time, so that
// keys in ascending order are the newest first, as they are asked for.

const (
	// DefaultAuditKeep is how many records are kept where nothing else is said.
	DefaultAuditKeep = 100_000
	// A record has at most so many bytes of objects in full, and then of changes by name; what does not fit is counted.
	auditFull, auditNames = 24 << 10, 8 << 10
	auditPage             = 256  // records of one answer of etcd
	auditScan             = 5000 // records that one question looks at
	auditTrim             = time.Minute
)

func (l layout) audit() string { return strings.TrimSuffix(string(l), "/") + ".audit/" }

// auditID names a record of the time.
func auditID(at time.Time) string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails.
	return auditTime(at) + "-" + hex.EncodeToString(b[:])
}

func auditTime(at time.Time) string { return fmt.Sprintf("%019d", math.MaxInt64-at.UnixNano()) }

// projects finds out whose each write's object is, as long as the transaction's state is there to ask.
func (t *transaction) projects(p *plan) {
	lookup := func(k policy.Kind, id string) (policy.Object, bool) {
		if w, ok := t.writes[key{k, id}]; ok {
			if w.after != nil {
				return w.after, true
			}
			return w.before, w.before != nil
		}
		return t.state.snapshot.Get(k, id)
	}
	p.now, p.projects = t.now, make([]policy.ProjectID, len(p.changed))
	for i, w := range p.changed {
		p.projects[i], _ = policy.ProjectOf(w.object(), lookup)
	}
}

// object is what is left to name a write by.
func (w *write) object() policy.Object {
	if w.after != nil {
		return w.after
	}
	return w.before
}

func (w *write) action() policy.AuditAction {
	switch {
	case w.before == nil:
		return policy.AuditCreated
	case w.after == nil:
		return policy.AuditDeleted
	}
	return policy.AuditChanged
}

// audit is the write of the plan's record. The same plan makes the same record, but for its id.
func (p *plan) audit(actor policy.Actor) (clientv3.Op, error) {
	r := policy.AuditRecord{Time: p.now, Actor: actor, Changes: []policy.AuditChange{}}
	full, names := 0, 0
	omitted := make(map[policy.AuditCount]int)
	for i, w := range p.changed {
		c := policy.AuditChange{Kind: w.key.kind, ID: w.key.id, Name: w.object().Label(), ProjectID: p.projects[i], Action: w.action()}
		size := len(c.ID) + len(c.Name) + len(c.ProjectID) + 100
		if full < auditFull {
			if err := w.detail(&c); err != nil {
				return clientv3.Op{}, err
			}
			if full += size + len(c.Before) + len(c.After); full <= auditFull {
				r.Changes = append(r.Changes, c)
				continue
			}
			c.Before, c.After = nil, nil
		}
		if names += size; names <= auditNames {
			r.Shortened++
			r.Changes = append(r.Changes, c)
			continue
		}
		count := policy.AuditCount{Kind: c.Kind, Action: c.Action, ProjectID: c.ProjectID}
		if _, ok := omitted[count]; !ok {
			r.Omitted = append(r.Omitted, count)
		}
		omitted[count]++
	}
	for i, c := range r.Omitted {
		r.Omitted[i].Count = omitted[c]
	}
	b, err := json.Marshal(r)
	if err != nil {
		return clientv3.Op{}, fmt.Errorf("encode the audit record: %w", err)
	}
	return clientv3.OpPut(p.layout.audit()+auditID(p.now), string(b)), nil
}

func (w *write) detail(c *policy.AuditChange) (err error) {
	if w.before != nil {
		if c.Before, err = policy.Audited(w.before); err != nil {
			return fmt.Errorf("audit %s: %w", w.key, err)
		}
	}
	if w.after != nil {
		after := w.after.Clone()
		after.Base().Revision = 0
		if c.After, err = policy.Audited(after); err != nil {
			return fmt.Errorf("audit %s: %w", w.key, err)
		}
	}
	return nil
}

// Audit returns the records that the query keeps, newest first, and the id to go on before; "" when there are no older ones. It
// looks at a bounded number of records: fewer than the limit, even none, may come with an id to go on.
func (s *Store) Audit(ctx context.Context, q policy.AuditQuery) (out []policy.AuditRecord, next string, err error) {
	prefix := s.layout.audit()
	from, end := prefix, clientv3.GetPrefixRangeEnd(prefix)
	if !q.Until.IsZero() {
		from = prefix + auditTime(q.Until)
	}
	if q.Before != "" {
		from = max(from, prefix+q.Before+"\x00")
	}
	if !q.Since.IsZero() {
		end = clientv3.GetPrefixRangeEnd(prefix + auditTime(q.Since))
	}
	for looked := 0; looked < auditScan && from < end; {
		page, err := s.client.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(auditPage))
		if err != nil {
			return nil, "", translate("read the audit log", err)
		}
		for _, kv := range page.Kvs {
			r := policy.AuditRecord{}
			if err := json.Unmarshal(kv.Value, &r); err != nil {
				return nil, "", fmt.Errorf("read the audit log: %s: %w", kv.Key, err)
			}
			r.ID, r.Revision = strings.TrimPrefix(string(kv.Key), prefix), kv.ModRevision
			from = string(kv.Key) + "\x00"
			looked++
			if q.Keep == nil || q.Keep(&r) {
				out = append(out, r)
			}
			if next = r.ID; len(out) == q.Limit {
				return out, next, nil
			}
		}
		if !page.More {
			return out, "", nil
		}
	}
	return out, next, nil
}

// keepAudit removes old records until the context ends: now and then, and when this process has written many.
func (s *Store) keepAudit(ctx context.Context) {
	tick := time.NewTicker(auditTrim)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.audited.many:
		}
		s.audited.written.Store(0)
		if err := s.trimAudit(ctx); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
			s.log.Warn("old audit records stay for the time being", "error", err)
		}
	}
}

// slack is how many records more than are to be kept may be there, so that not every write removes one.
func slack(keep int) int { return keep/10 + 1 }

// noteAudit counts a record that was written.
func (s *Store) noteAudit() {
	if s.audited.written.Add(1) < int64(slack(s.audited.keep)) {
		return
	}
	select {
	case s.audited.many <- struct{}{}:
	default:
	}
}

// trimAudit removes all but the newest records when there are more than may be.
func (s *Store) trimAudit(ctx context.Context) error {
	prefix := s.layout.audit()
	all, err := s.client.Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		return translate("count the audit log", err)
	}
	if all.Count < int64(s.audited.keep+slack(s.audited.keep)) {
		return nil
	}
	newest, err := s.client.Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly(), clientv3.WithLimit(int64(s.audited.keep)))
	if err != nil {
		return translate("read the audit log", err)
	}
	last := string(newest.Kvs[len(newest.Kvs)-1].Key)
	_, err = s.client.Delete(ctx, last+"\x00", clientv3.WithRange(clientv3.GetPrefixRangeEnd(prefix)))
	return translate("shorten the audit log", err)
}
