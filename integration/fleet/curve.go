package main

import (
	"context"
	"io"
)

// sizes are the three points of a curve: a hundredth, a tenth and all.
func sizes(all int) [3]int { return [3]int{max(1, all/100), max(1, all/10), all} }

// curve measures the cost of one change over hosts, with a fifth of the addresses, and over addresses on ten hosts. Hosts have ten ports.
func curve(ctx context.Context, o options, out io.Writer) (*Curve, error) {
	c := &Curve{Machine: machine()}
	for _, n := range sizes(o.Hosts) {
		row, err := point(ctx, o, out, n, o.Addresses/5)
		if err != nil {
			return nil, err
		}
		c.Hosts = append(c.Hosts, row)
	}
	for _, n := range sizes(o.Addresses) {
		row, err := point(ctx, o, out, 10, n)
		if err != nil {
			return nil, err
		}
		c.Members = append(c.Members, row)
	}
	return c, nil
}

// point measures one size.
func point(ctx context.Context, o options, out io.Writer, hosts, addresses int) (row CurveRow, err error) {
	o.Hosts, o.Ports, o.Addresses, o.Groups, o.Tenants, o.Spread = hosts, 10, addresses, 2*max(hosts, 10), 0, 10
	r, end, err := install(ctx, o.withDefaults(), out)
	if err != nil {
		return row, err
	}
	defer end()
	if err := r.stage(ctx, "join", r.joins); err != nil {
		return row, err
	}
	r.conclude()
	all, one := r.report.Changes[0], r.report.Changes[2]
	return CurveRow{
		Hosts: hosts, Addresses: addresses, All: all, One: one, Sync: r.report.Sync,
		RSS: r.report.Usage["join"].RSS, CPU: all.CPU,
	}, nil
}
