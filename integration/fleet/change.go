package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"conjunct/api"
	"conjunct/policy"
)

// A kind of change: make does the n-th one.
type kind struct {
	what     string
	expected float64 // flow modifications on all hosts; 0: not known
	make     func(ctx context.Context, n int, options ...api.Option) error
}

// setGroups makes the list the port's groups.
func (r *run) setGroups(ctx context.Context, port string, groups []policy.GroupID, options ...api.Option) error {
	body := map[string][]policy.GroupID{"security_group_ids": groups}
	return r.daemon.api.Do(ctx, http.MethodPatch, "/v1/ports/"+port, body, nil, options...)
}

// membership is one address that joins a group, or leaves it again.
func (r *run) membership(what, group string, joins bool, expected int) kind {
	var groups []policy.GroupID
	if joins {
		groups = []policy.GroupID{policy.GroupID(group)}
	}
	return kind{what, float64(expected), func(ctx context.Context, n int, options ...api.Option) error {
		return r.setGroups(ctx, joinerID(n%r.joiners()), groups, options...)
	}}
}

// joins times members of a group that every host refers to, and of one that a single host refers to.
func (r *run) joins(ctx context.Context) error {
	for _, row := range []struct {
		group, whose string
		hosts        int
	}{{bastion, "every host refers to", r.Hosts}, {clients, "one host refers to", 1}} {
		for done := 0; done < r.Changes; done += r.joiners() {
			n := min(r.joiners(), r.Changes-done)
			for _, k := range []kind{
				r.membership("a member joins a group that "+row.whose, row.group, true, row.hosts),
				r.membership("a member leaves a group that "+row.whose, row.group, false, row.hosts),
			} {
				if err := r.time(ctx, k, n); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// rules times a rule of one group that is added and removed.
func (r *run) rules(ctx context.Context) error {
	id := groupID(r.world.tenants[0].groups)
	hosts := float64(len(r.world.hostsOf(id)))
	rule := api.Rule{Rule: ingressTCP(9000, 9000, policy.Remote{GroupID: bastion})}
	const few = 12 // flow modifications a host that a rule may cost
	for n := range r.Changes {
		add := kind{what: fmt.Sprintf("a rule of a group on %.0f hosts is added", hosts), make: func(ctx context.Context, _ int, options ...api.Option) error {
			return r.daemon.api.Do(ctx, http.MethodPut, fmt.Sprintf("/v1/rules/timed%04d", n), withGroup(rule, id), nil, options...)
		}}
		remove := kind{what: fmt.Sprintf("a rule of a group on %.0f hosts is removed", hosts), make: func(ctx context.Context, _ int, options ...api.Option) error {
			return r.daemon.api.Do(ctx, http.MethodDelete, fmt.Sprintf("/v1/rules/timed%04d", n), nil, nil, options...)
		}}
		for _, k := range []kind{add, remove} {
			if err := r.time(ctx, k, 1); err != nil {
				return err
			}
		}
	}
	for _, t := range r.report.Changes {
		if t.Span == hosts && t.Mods > few*hosts {
			r.fail("%s: %.1f flow-mods a host", t.What, t.Mods/hosts)
		}
	}
	return nil
}

func withGroup(rule api.Rule, id string) api.Rule {
	rule.GroupID = policy.GroupID(id)
	return rule
}

// time makes n changes one after the other.
func (r *run) time(ctx context.Context, k kind, n int) error {
	s := r.series(k)
	before, err := r.daemon.usage()
	if err != nil {
		return err
	}
	for i := range n {
		count, start := r.fleet.count(), time.Now()
		err := k.make(ctx, i, api.WaitApplied(patience))
		rest := time.Since(start)
		var behind *api.Behind
		if errors.As(err, &behind) {
			s.late++
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", k.what, err)
		}
		s.rest = append(s.rest, rest)
		s.hosts = append(s.hosts, r.fleet.last().Sub(start))
		mods, span := r.fleet.since(count)
		s.mods, s.span = s.mods+mods, s.span+span
		if k.expected != 0 && float64(mods) != k.expected {
			r.fail("%s: %d flow-mods on %d hosts, want %.0f", k.what, mods, span, k.expected)
		}
	}
	after, err := r.daemon.usage()
	s.cpu += after.CPU - before.CPU
	return err
}

// series is all changes of one kind, as they are made.
type series struct {
	kind
	rest, hosts []time.Duration
	mods, span  int64
	cpu         float64
	late        int
}

// series finds the one of the kind's name, or begins it.
func (r *run) series(k kind) *series {
	for _, s := range r.timed {
		if s.what == k.what {
			return s
		}
	}
	s := &series{kind: k}
	r.timed = append(r.timed, s)
	return s
}

func (s *series) timing() Timing {
	n := float64(max(1, len(s.rest)))
	return Timing{
		What: s.what, Count: len(s.rest), REST: quantiles(s.rest), Hosts: quantiles(s.hosts), Mods: float64(s.mods) / n,
		Span: float64(s.span) / n, Expected: s.expected, CPU: 1000 * s.cpu / n, Late: s.late,
	}
}

// conclude moves what was timed to the report.
func (r *run) conclude() {
	for _, s := range r.timed {
		t := s.timing()
		r.report.Changes = append(r.report.Changes, t)
		hosts := ""
		if len(s.hosts) > 0 {
			hosts = fmt.Sprintf("hosts p50 %.1f, p99 %.1f; on %.1f hosts ", t.Hosts.P50, t.Hosts.P99, t.Span)
		}
		r.say("  %-52s %5d ×  REST p50 %.1f ms, p99 %.1f; %s%.1f flow-mods; %.2f ms of processor time",
			t.What, t.Count, t.REST.P50, t.REST.P99, hosts, t.Mods, t.CPU)
	}
	r.timed = nil
}

// steady lets ports change their groups at a rate, whether the answers come in time or not.
func (r *run) steady(ctx context.Context) error {
	total := int(r.For.Seconds() * float64(r.Rate))
	s := r.series(kind{what: fmt.Sprintf("%d ports a second change their groups", r.Rate)})
	before, err := r.daemon.usage()
	if err != nil {
		return err
	}
	count := r.fleet.count()
	var work sync.WaitGroup
	var mu sync.Mutex
	var failed error
	start := time.Now()
	for i := range total {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(r.Rate))
		pause(ctx, time.Until(due))
		work.Go(func() {
			n := 1 + i*7919%(r.Hosts*r.Ports-1) // 0 is the lone group's; a prime: neighbours in time are not neighbours in the world
			err := r.setGroups(ctx, portID(n), r.world.groupsOf(r.world.members[n], 1+i/(r.Hosts*r.Ports)), api.WaitApplied(patience))
			took := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			var behind *api.Behind
			switch {
			case errors.As(err, &behind):
				s.late++
			case err != nil:
				failed = errors.Join(failed, err)
			default:
				s.rest = append(s.rest, took)
			}
		})
	}
	work.Wait()
	after, err := r.daemon.usage()
	s.mods, _ = r.fleet.since(count)
	s.cpu = after.CPU - before.CPU
	return errors.Join(failed, err)
}
