package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"conjunct/api"
	"conjunct/policy"
)

// batch is how many documents go into one request. Larger ones take longer than they save: names are looked up among all
// objects once a request.
const batch = 4000

// loader writes the world by /v1/apply.
type loader struct {
	ctx     context.Context
	api     *api.Client
	waiting []json.RawMessage
	objects int
}

// load makes everything that the world has.
func (w *world) load(ctx context.Context, client *api.Client) (Load, error) {
	start := time.Now()
	l := &loader{ctx: ctx, api: client}
	if err := w.loadShared(l); err != nil {
		return Load{}, err
	}
	for i := range w.Hosts {
		if err := l.add("Hypervisor", hostID(i), "", policy.Hypervisor{}); err != nil {
			return Load{}, err
		}
	}
	if err := w.loadTenants(l); err != nil {
		return Load{}, err
	}
	for i := range w.members {
		if err := w.loadPort(l, i); err != nil {
			return Load{}, err
		}
	}
	if err := l.flush(); err != nil {
		return Load{}, err
	}
	took := time.Since(start)
	return Load{Objects: l.objects, Seconds: took.Seconds(), PerSecond: float64(l.objects) / took.Seconds()}, nil
}

// loadShared makes what belongs to no tenant: one VPC, the groups that changes are timed with, and the network of those that
// join them.
func (w *world) loadShared(l *loader) error {
	if _, err := l.api.VPCs().Put(l.ctx, "fleet", &api.VPC{Name: "fleet"}); err != nil {
		return err
	}
	for _, id := range []string{bastion, clients} {
		if _, err := l.api.Groups().Put(l.ctx, id, &api.Group{Group: policy.Group{Name: id}}); err != nil {
			return err
		}
	}
	rule := api.Rule{Rule: ingressTCP(7, 7, policy.Remote{GroupID: clients})}
	if _, err := l.api.Groups().Put(l.ctx, lone, &api.Group{Group: policy.Group{Name: lone}, Rules: []api.Rule{rule}}); err != nil {
		return err
	}
	_, err := l.api.Subnets().Put(l.ctx, "joiners", &api.Subnet{
		Name: "joiners", VPCID: "fleet", VLAN: 4094, CIDRs: []netip.Prefix{netip.MustParsePrefix("172.16.0.0/12")},
	})
	l.objects += 5
	return err
}

func (w *world) loadTenants(l *loader) error {
	for i, t := range w.tenants {
		if err := l.add("Project", projectID(i), "", policy.Project{}); err != nil {
			return err
		}
		subnet := api.Subnet{VPCID: "fleet", VLAN: 1 + i, CIDRs: []netip.Prefix{t.v4, t.v6}}
		if err := l.add("Subnet", subnetID(i), "", subnet); err != nil {
			return err
		}
		for n := t.groups; n < t.groups+t.count; n++ {
			rules := w.rules(t, n)
			l.objects += len(rules)
			if err := l.add("SecurityGroup", groupID(n), projectID(i), api.Group{Rules: rules}); err != nil {
				return err
			}
		}
		// A group's rules name groups of the same tenant, which therefore have to be in the same request.
		if err := l.flushAt(batch / 4); err != nil {
			return err
		}
	}
	return l.flush()
}

func (w *world) loadPort(l *loader, n int) error {
	p := w.port(n, 0)
	if n == 0 {
		p.SecurityGroupIDs = append(p.SecurityGroupIDs, lone)
	}
	if err := l.add("Instance", portID(n), projectID(w.members[n].tenant), api.Instance{}); err != nil {
		return err
	}
	if err := l.add("Port", portID(n), projectID(w.members[n].tenant), p); err != nil {
		return err
	}
	return l.flushAt(batch)
}

// ownFields are of the metadata, or the store's.
var ownFields = []string{
	"id", "name", "project_id", "number", "revision", "created_at", "updated_at", "state", "ofport", "applied_revision", "iface_id",
}

// add appends a document; the spec is a wire form.
func (l *loader) add(kind, id, project string, spec any) error {
	b, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	for _, f := range ownFields {
		delete(fields, f)
	}
	for name, value := range fields {
		if string(value) == `""` {
			delete(fields, name)
		}
	}
	doc, err := json.Marshal(map[string]any{
		"apiVersion": "conjunct/v1", "kind": kind, "metadata": map[string]string{"name": id, "id": id, "project": project}, "spec": fields,
	})
	if err != nil {
		return err
	}
	l.waiting, l.objects = append(l.waiting, doc), l.objects+1
	return nil
}

// flushAt sends what waits once it is that much.
func (l *loader) flushAt(n int) error {
	if len(l.waiting) < n {
		return nil
	}
	return l.flush()
}

func (l *loader) flush() error {
	if len(l.waiting) == 0 {
		return nil
	}
	_, err := l.api.Apply(l.ctx, &api.Manifest{Documents: l.waiting})
	if err != nil {
		return fmt.Errorf("apply %d documents: %w", len(l.waiting), err)
	}
	l.waiting = l.waiting[:0]
	return nil
}
