package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// options are what is simulated and measured.
type options struct {
	Hosts     int `json:"hosts"`
	Ports     int `json:"ports_per_host"`
	Groups    int `json:"groups"`
	Addresses int `json:"addresses"` // of members, plugged in or not
	Rules     int `json:"rules_per_group"`
	Spread    int `json:"hosts_per_tenant"`
	Tenants   int `json:"tenants"`

	Changes int           `json:"changes"` // of a kind that are timed one by one
	Rate    int           `json:"rate"`    // changes a second of the stage steady
	For     time.Duration `json:"steady_ns"`

	daemon, report, profiles string
	keep                     string // directory of the loaded store
	stages                   []string
	curve, verbose           bool
}

var allStages = []string{"join", "rule", "steady", "trouble", "restart"}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("fleet", flag.ContinueOnError)
	f.SetOutput(out)
	f.IntVar(&o.Hosts, "hosts", 1000, "hypervisors")
	f.IntVar(&o.Ports, "ports", 50, "ports plugged in on each of them")
	f.IntVar(&o.Groups, "groups", 2000, "security groups")
	f.IntVar(&o.Addresses, "addresses", 100_000, "addresses of members, two a port")
	f.IntVar(&o.Rules, "rules", 10, "rules of each group")
	f.IntVar(&o.Spread, "spread", 10, "hosts that have ports of a tenant")
	f.IntVar(&o.Tenants, "tenants", 0, "projects; 0: one for every five hosts")
	f.IntVar(&o.Changes, "changes", 100, "changes of a kind that are timed one after the other")
	f.IntVar(&o.Rate, "rate", 200, "changes a second of the stage steady")
	f.DurationVar(&o.For, "for", time.Minute, "how long the stage steady lasts")
	f.StringVar(&o.daemon, "daemon", "bin/conjunctd", "the conjunctd to run")
	f.StringVar(&o.report, "report", "", "file for the report as JSON; empty: standard output alone")
	f.StringVar(&o.profiles, "profiles", "", "directory for profiles of each stage: of conjunctd, and the processor of the simulated side")
	f.StringVar(&o.keep, "world", "", "directory that keeps the loaded store: runs of the same sizes begin with a copy of it")
	stages := f.String("stages", strings.Join(allStages, ","), "what to measure after load and sync")
	f.BoolVar(&o.curve, "curve", false, "measure a change over a hundredth, a tenth and all of the hosts, and of the addresses, instead")
	f.BoolVar(&o.verbose, "v", false, "show what conjunctd logs")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.stages = strings.FieldsFunc(*stages, func(r rune) bool { return r == ',' })
	return o.withDefaults(), o.check()
}

func (o options) withDefaults() options {
	if o.Tenants == 0 {
		o.Tenants = max(1, o.Hosts/5)
	}
	o.Tenants = min(o.Tenants, o.Groups/2)
	o.Spread = min(o.Spread, o.Hosts)
	return o
}

func (o options) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, row := range []struct {
		name       string
		value, low int
		high       int
	}{
		{"hosts", o.Hosts, 1, 20_000}, {"ports", o.Ports, 1, 1000}, {"groups", o.Groups, 2, 100_000}, {"rules", o.Rules, 1, 100},
		{"addresses", o.Addresses, 2, 5_000_000}, {"spread", o.Spread, 1, 20_000}, {"tenants", o.Tenants, 0, 4000},
		{"changes", o.Changes, 1, 100_000}, {"rate", o.Rate, 1, 10_000},
	} {
		if row.value < row.low || row.value > row.high {
			bad("-%s %d: want %d to %d", row.name, row.value, row.low, row.high)
		}
	}
	for _, s := range o.stages {
		if !slices.Contains(allStages, s) {
			bad("-stages: %q is not one of %s", s, strings.Join(allStages, ", "))
		}
	}
	return errors.Join(errs...)
}
