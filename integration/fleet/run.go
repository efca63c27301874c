package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"conjunct/api"
	"conjunct/policy"
)

// run is one installation that is measured.
type run struct {
	options
	out    io.Writer
	world  *world
	fleet  *fleet
	daemon *daemon
	report Report
	timed  []*series // not yet in the report
}

// install starts conjunctd, loads the world and lets the hosts in. end must be called.
func install(ctx context.Context, o options, out io.Writer) (r *run, end func(), err error) {
	dir, err := os.MkdirTemp("", "conjunct-fleet-")
	if err != nil {
		return nil, nil, err
	}
	r = &run{options: o, out: out, world: newWorld(o), report: Report{
		Options: o, Machine: machine(), Usage: make(map[string]usage), Failures: []string{},
	}}
	end = func() {
		if r.fleet != nil {
			r.fleet.close()
		}
		if r.daemon != nil {
			r.daemon.kill()
		}
		os.RemoveAll(dir)
	}
	if err := r.begin(ctx, dir); err != nil {
		end()
		return nil, nil, err
	}
	return r, end, nil
}

// garbage is how much of it may be in memory before it is collected, in percent of what is in use: while hosts come, and then while something
// is measured. The simulated hosts are gigabytes, and while they are searched conjunctd has no processor to itself.
const (
	comingGarbage   = 100
	measuredGarbage = 300
)

func (r *run) begin(ctx context.Context, dir string) (err error) {
	debug.SetGCPercent(comingGarbage)
	defer debug.SetGCPercent(measuredGarbage)
	if r.profiles != "" {
		if err := os.MkdirAll(r.profiles, 0o755); err != nil {
			return err
		}
	}
	loaded, err := r.recall(dir)
	if err != nil {
		return err
	}
	if r.daemon, err = newDaemon(r.options, dir); err != nil {
		return err
	}
	if err := r.daemon.start(ctx); err != nil {
		return err
	}
	if !loaded {
		if err := r.stage(ctx, "load", r.load); err != nil {
			return err
		}
		if err := r.remember(ctx, dir); err != nil {
			return err
		}
	}
	return r.stage(ctx, "sync", r.sync)
}

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// fail notes what is not as it has to be; the command goes on and ends with status 1.
func (r *run) fail(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	r.report.Failures = append(r.report.Failures, s)
	r.say("  FAILED: %s", s)
}

// profiled is how long the processor is watched in a stage; a stage that is shorter has the profile begin with it.
const profiled = 20 * time.Second

// restarted is the stage whose conjunctd is another at its end: its profile of the processor begins when the API answers.
const restarted = "restart"

// stage runs one, with what conjunctd uses behind it.
func (r *run) stage(ctx context.Context, name string, do func(context.Context) error) error {
	runtime.GC() // of what the stage before has left; in the stage there is hardly one
	watched := make(chan error, 1)
	if r.profiles == "" || name == restarted {
		watched <- nil
	} else {
		go func() { watched <- r.watch(ctx, name) }()
	}
	if err := do(ctx); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := <-watched; err != nil {
		return err
	}
	if r.profiles != "" {
		if err := r.daemon.profile(ctx, "heap", filepath.Join(r.profiles, name+".heap")); err != nil {
			return err
		}
	}
	u, err := r.daemon.usage()
	r.report.Usage[name] = u
	r.say("%-8s conjunctd: %d MiB resident (%d at most), %.1f s of processor time", name, u.RSS>>20, u.Peak>>20, u.CPU)
	return err
}

// watch writes profiles of the processor, of conjunctd and of the simulated side, where profiles are asked for.
func (r *run) watch(ctx context.Context, name string) error {
	if r.profiles == "" {
		return nil
	}
	own, err := os.Create(filepath.Join(r.profiles, name+".fleet.cpu"))
	if err != nil {
		return err
	}
	defer own.Close()
	if err := pprof.StartCPUProfile(own); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	seconds := strconv.Itoa(int(profiled.Seconds()))
	return r.daemon.profile(ctx, "profile?seconds="+seconds, filepath.Join(r.profiles, name+".cpu"))
}

func machine() Machine {
	m := Machine{CPUs: runtime.NumCPU(), Go: runtime.Version()}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(b), " ")
		m.Load, _ = strconv.ParseFloat(first, 64) // 0 where the kernel says otherwise
	}
	return m
}

func (r *run) load(ctx context.Context) (err error) {
	if r.report.Load, err = r.world.load(ctx, r.daemon.api); err != nil {
		return err
	}
	for i := range r.joiners() {
		if err := r.makeJoiner(ctx, joinerID(i), i); err != nil {
			return err
		}
	}
	// Classes of addresses have a member that stays: the first makes a class known, which costs flows of its own.
	for i, groups := range [][]policy.GroupID{{bastion}, {clients}, {bastion, clients}} {
		if err := r.makeJoiner(ctx, fmt.Sprintf("keeper%d", i), 1<<12+i, groups...); err != nil {
			return err
		}
	}
	r.say("load     %d objects in %.1f s: %.0f a second", r.report.Load.Objects, r.report.Load.Seconds, r.report.Load.PerSecond)
	return nil
}

// joiners are ports that are nowhere plugged in and have no group but for a while.
func (r *run) joiners() int { return min(r.Changes, 64) }

func joinerID(i int) string { return fmt.Sprintf("joiner%03d", i) }

func (r *run) makeJoiner(ctx context.Context, id string, i int, groups ...policy.GroupID) error {
	_, err := r.daemon.api.Instances().Put(ctx, id, &api.Instance{Name: id, ProjectID: policy.ProjectID(projectID(0))})
	if err != nil {
		return err
	}
	p := &api.Port{Port: policy.Port{
		InstanceID: policy.InstanceID(id), SecurityGroupIDs: groups, SubnetID: "joiners", MAC: policy.MAC{0x06, 0, 0, 0, byte(i >> 8), byte(i)},
		Addresses: []netip.Addr{addr4(172<<24 + 16<<16 + uint32(i) + 10)},
	}}
	_, err = r.daemon.api.Ports().Put(ctx, id, p)
	return err
}

// sync lets the hosts in and waits until all of them are ready.
func (r *run) sync(ctx context.Context) (err error) {
	if r.fleet, err = newFleet(ctx, r.world); err != nil {
		return err
	}
	start := time.Now()
	r.fleet.dial(ctx, r.daemon.ovsdb, r.Ports)
	if err := r.ready(ctx); err != nil {
		return err
	}
	n := r.fleet.flows()
	r.report.Sync = Sync{
		Seconds: time.Since(start).Seconds(), Flows: n, PerHost: float64(n) / float64(r.Hosts), BytesPerFlow: r.fleet.memory(),
	}
	r.say("sync     %d flows on %d hosts in %.1f s; the simulator keeps %.0f bytes a flow", n, r.Hosts, r.report.Sync.Seconds, r.report.Sync.BytesPerFlow)
	return nil
}

// syncPatience is how long all hosts may take to become ready.
const syncPatience = 20 * time.Minute

// ready waits until every host is ready and confirmed.
func (r *run) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, syncPatience)
	defer cancel()
	start := time.Now()
	for {
		m, err := r.daemon.metrics(ctx)
		if err == nil && int(m[`conjunct_hosts{state="ready"}`]) == r.Hosts && m["conjunct_hosts_behind"] == 0 {
			return nil
		}
		// To be asked costs conjunctd a look at every port.
		if pause(ctx, max(50*time.Millisecond, time.Since(start)/100)); ctx.Err() != nil {
			return errors.Join(fmt.Errorf("not every host is ready: %v of %d", m[`conjunct_hosts{state="ready"}`], r.Hosts), err)
		}
	}
}
