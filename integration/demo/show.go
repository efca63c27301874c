package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/policy"
)

// show is one run of the demo.
type show struct {
	t     lab.T
	ctx   context.Context
	tiers *cloud.Tiers
	cloud *cloud.Cloud
	hosts map[string]*lab.Host
	// stream is an open connection from app to database on 3306.
	stream *lab.Stream
	wrong  int
}

func (s *show) title(format string, args ...any) { fmt.Printf("\n"+format+"\n", args...) }

// line prints what was done and how long it took.
func (s *show) line(what string, took time.Duration, format string, args ...any) {
	fmt.Printf("  %-58s %8s  %s\n", what, round(took), fmt.Sprintf(format, args...))
}

func round(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// timed runs f and returns how long it took.
func timed(f func()) time.Duration {
	begin := time.Now()
	f()
	return time.Since(begin)
}

// run runs the command line client and prints the command and how long it took.
func (s *show) run(what string, args ...string) {
	took := timed(func() { s.cloud.Conjunct(args...) })
	s.line("conjunct "+strings.Join(args, " "), took, "%s", what)
}

// expect prints a verdict and counts what is not as expected.
func (s *show) expect(what string, took time.Duration, ok bool, format string, args ...any) {
	word := "as expected"
	if !ok {
		word = "NOT AS EXPECTED"
		s.wrong++
	}
	s.line(what, took, "%s  %s", fmt.Sprintf(format, args...), word)
}

// stage builds everything: hypervisors, VMs, the host outside, and the policy.
func (s *show) stage(build func() *cloud.Cloud, examples string) {
	s.title("A cloud on this machine")
	s.tiers = cloud.NewTiers(build, examples, func(what string, took time.Duration) { s.line(what, took, "ready") })
	s.cloud, s.hosts = s.tiers.Cloud, s.tiers.Hosts
	s.run("applied on both hypervisors", "apply", "-f", examples+"/tiers.yaml", "--wait")
}

// live changes the policy under an open connection.
func (s *show) live() {
	s.title("Changes, while a TCP connection app → database:3306 is open")
	s.stream = s.hosts["app"].StreamTCP(s.hosts["database"], netip.AddrPortFrom(s.hosts["database"].Addr4(), 3306))
	rules, err := s.cloud.API.Rules().List(s.ctx, api.Query("name", "allow3306AppInbound"))
	s.cloud.Must(err)
	if len(rules) != 1 {
		s.cloud.Must(fmt.Errorf("%d rules are named allow3306AppInbound", len(rules)))
	}
	rule := rules[0]
	begin := time.Now()
	took := timed(func() { s.cloud.Must(s.cloud.API.Rules().Delete(s.ctx, rule.ID, api.WaitApplied(cloud.Patience))) })
	last, stopped := s.stream.Down.Stops(500*time.Millisecond, 3*time.Second)
	after := max(0, last.Sub(begin))
	s.expect("rule allow3306AppInbound removed", took, stopped && after < time.Second, "last byte after %s", round(after))

	begin = time.Now()
	took = timed(func() {
		back := api.Rule{Rule: policy.Rule{Name: rule.Name, Direction: rule.Direction, Protocol: rule.Protocol, PortMin: rule.PortMin, PortMax: rule.PortMax, Remote: rule.Remote}}
		_, err := s.cloud.API.RulesOf(rule.GroupID).Create(s.ctx, &back, api.WaitApplied(cloud.Patience))
		s.cloud.Must(err)
	})
	goesOn := s.stream.Down.GoesOn(5 * time.Second)
	s.expect("the rule put back", took, goesOn, "the connection goes on after %s", round(time.Since(begin)))

	database := lab.TCP(s.hosts["database"].Addr4(), 3306)
	before := s.hosts["web"].Try(database.Within(300 * time.Millisecond))
	groups, err := s.cloud.API.Groups().List(s.ctx, api.Query("name", "appSG"))
	s.cloud.Must(err)
	instances, err := s.cloud.API.Instances().List(s.ctx, api.Query("name", "web"))
	s.cloud.Must(err)
	took = timed(func() {
		_, err := s.cloud.API.Instances().Patch(s.ctx, instances[0].ID, map[string]any{
			"security_group_ids": append(instances[0].SecurityGroupIDs, policy.GroupID(groups[0].ID)),
		}, api.WaitApplied(cloud.Patience))
		s.cloud.Must(err)
	})
	s.expect("VM web added to appSG", took, before != lab.Open && s.hosts["web"].Try(database) == lab.Open, "web → database:3306 opens")
	s.title("What the command line client says of it")
	for _, args := range [][]string{{"explain", "web", "database", "tcp", "3306"}, {"explain", "jumphost", "database", "tcp", "3306"}, {"status"}} {
		fmt.Printf("  $ conjunct %s\n", strings.Join(args, " "))
		for line := range strings.Lines(s.cloud.Conjunct(args...)) {
			fmt.Print("    ", line)
		}
	}
}
