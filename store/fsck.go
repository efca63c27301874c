package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

// Fsck compares what is stored with itself: every index key has its object and every object its index keys, references lead
// somewhere, numbers are given once and below their counter, and this process sees what etcd holds. It returns a sentence for
// every difference.
func (s *Store) Fsck(ctx context.Context) ([]string, error) {
	out, err := s.checkMirror(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := s.load(ctx, s.profile(), 0)
	if err != nil {
		return nil, err
	}
	wrong, err := s.compareIndex(ctx, stateOf(s.layout, stored))
	if err != nil {
		return nil, err
	}
	for _, w := range wrong {
		out = append(out, w.String())
	}
	out = append(out, dangling(stored)...)
	numbers, err := s.checkNumbers(ctx, stored)
	return append(out, numbers...), err
}

// checkMirror compares what this process sees with what etcd held at that revision.
func (s *Store) checkMirror(ctx context.Context) (out []string, err error) {
	for {
		var known *policy.Snapshot
		s.View(func(v *policy.Snapshot) { known = v.Clone() })
		stored, err := s.load(ctx, known.DefaultProfile, known.Revision)
		if errors.Is(err, ErrCompacted) { // Nothing was written for long, and the newest is what was known then.
			stored, err = s.load(ctx, known.DefaultProfile, 0)
			if s.Revision() != known.Revision {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		for _, c := range difference(known, stored).Changes {
			out = append(out, fmt.Sprintf("%s is not in memory as etcd has it", key{c.Kind, c.ID}))
		}
		return out, nil
	}
}

// indexFault is an index key that is not what the objects say.
type indexFault struct {
	name        string
	have, want  string // values; a reference has an empty one
	has, should bool
	source      key   // the object that should has it
	modified    int64 // of the index key
}

func (f indexFault) String() string {
	switch {
	case !f.has:
		return fmt.Sprintf("index key %s of %s is missing", f.name, f.source)
	case !f.should:
		return fmt.Sprintf("index key %s (%q) has no object", f.name, f.have)
	default:
		return fmt.Sprintf("index key %s says %q and should say %q", f.name, f.have, f.want)
	}
}

// compareIndex compares the index keys of etcd with those of the state, at its revision. It counts the right ones, and looks for
// missing ones only when there are too few.
func (s *Store) compareIndex(ctx context.Context, st *state) (out []indexFault, err error) {
	right := 0
	note := func(name string, value []byte, modified int64) error {
		want, should := st.indexed(name)
		if should && want.value == string(value) {
			right++
			return nil
		}
		out = append(out, indexFault{name: name, have: string(value), want: want.value, has: true, should: should, source: want.source, modified: modified})
		return nil
	}
	for _, class := range []string{classUnique, classReference} {
		if _, err := s.scan(ctx, string(s.layout)+class, st.snapshot.Revision, note); err != nil {
			return nil, err
		}
	}
	if right == st.indexSize() {
		return out, nil
	}
	missing, err := s.missingIndex(ctx, st)
	return append(out, missing...), err
}

// missingIndex lists the index keys of the state that etcd does not have.
func (s *Store) missingIndex(ctx context.Context, st *state) (out []indexFault, err error) {
	has := make(map[string]struct{})
	for _, class := range []string{classUnique, classReference} {
		_, err := s.scan(ctx, string(s.layout)+class, st.snapshot.Revision, func(name string, _ []byte, _ int64) error {
			has[name] = struct{}{}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for name, is := range st.indexKeys {
		if _, ok := has[name]; !ok {
			out = append(out, indexFault{name: name, want: is.value, should: true, source: is.source})
		}
	}
	slices.SortFunc(out, func(a, b indexFault) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// repairIndex makes the index keys what the objects say, as after an upgrade that indexes more. It does not touch a key that
// somebody writes meanwhile.
func (s *Store) repairIndex(ctx context.Context, st *state) error {
	faults, err := s.compareIndex(ctx, st)
	if err != nil {
		return err
	}
	for _, f := range faults {
		s.log.Warn("repairing the store's index", "fault", f.String())
		compares := []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(f.name), "=", f.modified)}
		repair := clientv3.OpDelete(f.name)
		if f.should {
			o, _ := st.snapshot.Get(f.source.kind, f.source.id)
			compares = append(compares, clientv3.Compare(clientv3.ModRevision(s.layout.object(f.source)), "=", o.Base().Revision))
			repair = clientv3.OpPut(f.name, f.want)
		}
		if _, err := s.client.Txn(ctx).If(compares...).Then(repair).Commit(); err != nil {
			return translate("repair the index", err)
		}
	}
	return nil
}

func dangling(snapshot *policy.Snapshot) (out []string) {
	for _, kind := range policy.Kinds() {
		for o := range snapshot.All(kind) {
			for _, r := range o.References() {
				if _, ok := snapshot.Get(r.Kind, r.ID); !ok {
					out = append(out, fmt.Sprintf("%s refers by %s to %s, which does not exist", keyOf(o), r.Field, refKey(r)))
				}
			}
		}
	}
	return out
}

func (s *Store) checkNumbers(ctx context.Context, snapshot *policy.Snapshot) (out []string, err error) {
	given := make(map[policy.Kind]uint64)
	_, err = s.scan(ctx, string(s.layout)+classNumber, 0, func(name string, value []byte, _ int64) error {
		n, err := strconv.ParseUint(string(value), 10, 32)
		given[policy.Kind(name[len(string(s.layout)+classNumber):])] = n
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, kind := range policy.Kinds() {
		holders := make(map[policy.Number]policy.Object)
		for o := range snapshot.All(kind) {
			numbered, ok := o.(policy.Numbered)
			if !ok {
				break
			}
			n := numbered.GetNumber()
			if n == 0 || uint64(n) > given[kind] {
				out = append(out, fmt.Sprintf("%s has number %d, which was not given out", keyOf(o), n))
			}
			if other, ok := holders[n]; ok {
				out = append(out, fmt.Sprintf("%s and %s have the same number %d", keyOf(o), keyOf(other), n))
			}
			holders[n] = o
		}
	}
	return out, nil
}
