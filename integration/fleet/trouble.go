package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"conjunct/api"
	"conjunct/flows"
	"conjunct/openflow"
	"conjunct/openflow/oftest"
	"conjunct/policy"
)

// affliction is something that is wrong with some hosts.
type affliction struct {
	what  string
	begin func(*host)
	end   func(*host)
	// also is a change that is part of it; undo takes it back.
	also, undo func(context.Context) error
}

// troubles measures how the others fare while some hosts are not well.
func (r *run) troubles(ctx context.Context) error {
	if r.Hosts < 2 {
		return fmt.Errorf("needs two hosts or more, there is %d", r.Hosts)
	}
	sick := max(1, r.Hosts/20)
	well := make([]int, 0, r.Hosts)
	for i := sick; i < r.Hosts; i++ {
		well = append(well, i)
	}
	base, err := r.others(ctx, well)
	if err != nil {
		return err
	}
	if err := r.setGroups(ctx, joinerID(0), nil, api.WaitApplied(patience)); err != nil {
		return err
	}
	r.say("  %-44s others p50 %.1f ms, p99 %.1f", "nothing is wrong", base.P50, base.P99)
	for _, a := range r.afflictions() {
		if err := r.afflict(ctx, a, r.fleet.hosts[:sick], well, base); err != nil {
			return fmt.Errorf("%s: %w", a.what, err)
		}
	}
	return nil
}

// afflictions are what may be wrong with a host.
func (r *run) afflictions() []affliction {
	lone := func(rules int) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := r.daemon.api.ReplaceRules(ctx, lone, r.loneRules(rules))
			return err
		}
	}
	return []affliction{
		{what: "they read nothing", begin: func(h *host) { h.deaf.Store(true) }, end: func(h *host) { h.deaf.Store(false); h.disconnect() }},
		{what: "they answer barriers 5 s late", begin: func(h *host) { h.late.Store(int64(5 * time.Second)) }, end: func(h *host) { h.late.Store(0) }},
		{what: "they reconnect every second", begin: func(h *host) { h.flaps.Store(true); h.disconnect() }, end: func(h *host) { h.flaps.Store(false) }},
		{
			what:  "they refuse flows",
			begin: func(h *host) { h.setFaults(oftest.Faults{Refuse: refuses}) }, end: func(h *host) { h.setFaults(oftest.Faults{}) },
			also: lone(2), undo: lone(1),
		},
		{what: "a flow is too large for one", begin: func(*host) {}, end: func(*host) {}, also: lone(oversized), undo: lone(1)},
	}
}

// refuses are the flows that say whose members addresses are, and those of rules.
func refuses(m *openflow.FlowMod) bool {
	return m.Command == openflow.FlowAdd && (m.Flow.Table == flows.TableIngrGroup || m.Flow.Table == flows.TableIngrRules)
}

// oversized is how many rules with one remote no flow can name.
const oversized = 4200

// loneRules are rules of one remote.
func (r *run) loneRules(n int) (out []api.Rule) {
	for i := range n {
		out = append(out, api.Rule{Rule: ingressTCP(7+2*i, 7+2*i, policy.Remote{GroupID: clients})})
	}
	return out
}

func (r *run) afflict(ctx context.Context, a affliction, sick []*host, well []int, base Quantiles) error {
	start, err := r.daemon.usage()
	if err != nil {
		return err
	}
	for _, h := range sick {
		a.begin(h)
	}
	if a.also != nil {
		if err := a.also(ctx); err != nil {
			return err
		}
	}
	t := Trouble{What: a.what, Hosts: len(sick)}
	if t.Others, err = r.others(ctx, well); err != nil {
		return err
	}
	t.Ratio = t.Others.P50 / base.P50
	if err := r.symptoms(ctx, &t, sick); err != nil {
		return err
	}
	end, err := r.daemon.usage()
	if err != nil {
		return err
	}
	t.RSS = end.RSS - start.RSS
	healing := time.Now()
	for _, h := range sick {
		a.end(h)
	}
	if a.undo != nil {
		if err := a.undo(ctx); err != nil {
			return err
		}
	}
	if err := r.setGroups(ctx, joinerID(0), nil, api.WaitApplied(patience)); err != nil {
		return err
	}
	if err := r.ready(ctx); err != nil {
		return err
	}
	t.Healed = time.Since(healing).Seconds()
	r.report.Trouble = append(r.report.Trouble, t)
	r.say("  %-44s others p50 %.1f ms, p99 %.1f: ratio %.2f; %+d MiB; %.0f hosts behind; %v; ready again after %.1f s", t.What+":",
		t.Others.P50, t.Others.P99, t.Ratio, t.RSS>>20, t.Behind, t.States, t.Healed)
	if t.Problem != "" {
		r.say("    %s says: %s", sick[0].id, t.Problem)
	}
	return nil
}

// symptoms are what metrics and status say.
func (r *run) symptoms(ctx context.Context, t *Trouble, sick []*host) error {
	m, err := r.daemon.metrics(ctx)
	if err != nil {
		return err
	}
	t.Behind = m["conjunct_hosts_behind"]
	for _, h := range sick {
		is, err := r.daemon.api.Hypervisors().Get(ctx, h.id)
		if err != nil {
			return err
		}
		t.States = append(t.States, string(is.State))
		if h == sick[0] && len(is.Problems) > 0 {
			t.Problem = shorten(is.Problems[0])
		}
	}
	slices.Sort(t.States)
	t.States = slices.Compact(t.States)
	return nil
}

func shorten(s string) string {
	const enough = 300
	if len(s) > enough {
		return s[:enough] + "…"
	}
	return s
}

// pace is the pause between the changes beside a trouble, so that it has the time to show.
const pace = 200 * time.Millisecond

// others times members that join and leave the group that every host refers to, until those that are well have confirmed.
func (r *run) others(ctx context.Context, well []int) (Quantiles, error) {
	var times []time.Duration
	for i := range 1 + min(r.Changes, 40)/2*2 { // It stays joined while the status is looked at.
		var groups []policy.GroupID
		if i%2 == 0 {
			groups = []policy.GroupID{bastion, clients}
		}
		before, start := r.fleet.count(), time.Now()
		if err := r.setGroups(ctx, joinerID(0), groups); err != nil {
			return Quantiles{}, err
		}
		waiting, cancel := context.WithTimeout(ctx, patience)
		err := r.fleet.await(waiting, well, before, 1)
		cancel()
		if err != nil {
			return Quantiles{}, err
		}
		times = append(times, r.fleet.lastOf(well).Sub(start))
		pause(ctx, pace)
	}
	return quantiles(times), nil
}
