package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/policy"
)

// meanings are the five clouds, the first being what the others are compared with.
var meanings = []struct {
	profile policy.ProfileName
	text    string
}{
	{policy.ProfileIsolated, "a VM without a group opens connections and accepts none"},
	{policy.ProfileSubnetTrust, "a VM without a group also accepts what comes from its own subnet"},
	{policy.ProfileOrdered, "a VM without a group passes nothing; rules of groups are tried in their order"},
	{policy.ProfileVPCLocked, "the VPC's own default group, locked; every VM reaches the metadata service"},
	{policy.ProfileOpenUntilRuled, "a VM without a group, or a direction without a rule, is open; SMTP is not"},
}

// profiles switches the live VPC through the profiles and measures what passes under each.
func (s *show) profiles() {
	s.tiers.AddPlain(func(what string, took time.Duration) { s.line(what, took, "ready") })
	s.tiers.Serve(cloud.ProfileServices)
	var base cloud.Matrix
	for _, m := range meanings {
		s.title("%s: %s", m.profile, m.text)
		took := timed(func() { s.tiers.SetProfile(m.profile) })
		s.line("the VPC's profile, changed while everything runs", took, "in force on both hypervisors")
		begin := time.Now()
		got := s.tiers.Measure(4, cloud.ProfileSenders, cloud.ProfileReceivers, cloud.ProfileServices)
		fmt.Println(row("", cloud.ProfileReceivers))
		for _, f := range cloud.ProfileSenders {
			fmt.Println(row(f, short(cells(got, f, cloud.ProfileReceivers))))
		}
		wrong := got.Differences(cloud.ProfileMatrices[m.profile], cloud.ProfileSenders, cloud.ProfileReceivers)
		s.expect("what was measured", time.Since(begin), len(wrong) == 0, "%d differences from what the profile means", len(wrong))
		if base == nil {
			base = got
			continue
		}
		s.reasons(base, got)
	}
}

// short abbreviates what would not fit into a cell.
func short(cells []string) []string {
	for i, c := range cells {
		switch c {
		case cloud.Everything:
			cells[i] = "all"
		case cloud.ButSMTP:
			cells[i] = "all-25"
		}
	}
	return cells
}

// reasons says for each pair that differs from the base why, in the words of the API, each reason once.
func (s *show) reasons(base, got cloud.Matrix) {
	pairs := map[string][]string{}
	var order []string
	for _, pair := range got.Differences(base, cloud.ProfileSenders, cloud.ProfileReceivers) {
		service := differing(base[pair[0]][pair[1]], got[pair[0]][pair[1]])
		why := s.why(pair[0], pair[1], service)
		if pairs[why] == nil {
			order = append(order, why)
		}
		pairs[why] = append(pairs[why], pair[0]+"→"+pair[1])
	}
	for _, why := range order {
		fmt.Printf("  %s\n    %s\n", why, strings.Join(pairs[why], " "))
	}
	if len(order) == 0 {
		fmt.Println("  nothing differs from the first")
	}
}

// differing is a service that one side has and the other has not; SMTP only where nothing else differs.
func differing(a, b string) string {
	as, bs := strings.Split(a, ","), strings.Split(b, ",")
	out := ""
	for _, list := range [][2][]string{{as, bs}, {bs, as}} {
		for _, service := range list[0] {
			if service != "" && !slices.Contains(list[1], service) && (out == "" || out == "25") {
				out = service
			}
		}
	}
	return out
}

// why asks the API what decides.
func (s *show) why(from, to, service string) string {
	q := api.Question{From: s.end(from), To: s.end(to), Protocol: "tcp"}
	word := "tcp " + service
	if port, err := strconv.Atoi(service); err == nil {
		number := policy.PortNumber(port)
		q.Port = &number
	} else {
		q.Protocol, word = "icmp", "ping"
	}
	a, err := s.cloud.API.Explain(s.ctx, &q)
	s.cloud.Must(err)
	verdict := map[bool]string{true: "passes", false: "refused"}[a.Allowed]
	var because []string
	for _, step := range a.Steps {
		if a.Allowed || !step.Allowed {
			because = append(because, fmt.Sprintf("%s: %s", step.Direction, step.Because))
		}
	}
	return fmt.Sprintf("%s %s; %s", word, verdict, strings.Join(because, "; "))
}

func (s *show) end(host string) api.QuestionEnd {
	if host == cloud.Internet || host == cloud.Metadata {
		return api.QuestionEnd{Address: s.hosts[host].Addr4()}
	}
	return api.QuestionEnd{PortID: cloud.PortOf(host)}
}
