package main

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"conjunct/policy"
)

// ruleTexts parses rules and writes them again; names stay names.
func ruleTexts(text string) (out []string, err error) {
	rules, err := parseRules(text)
	for _, r := range rules {
		out = append(out, wordless().ruleText(&r))
	}
	return out, err
}

// wordless knows no object, so that every word is its own label.
func wordless() *names {
	n := &names{seen: make(map[policy.Kind]map[string]object), read: make(map[policy.Kind]bool)}
	for _, k := range policy.Kinds() {
		n.read[k] = true
	}
	return n
}

func TestParseRules(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"in tcp 80 from any", []string{"in tcp 80 from any"}},
		{"ingress TCP 80,443,8000-8100 from 0.0.0.0/0", []string{"in tcp 80 from 0.0.0.0/0", "in tcp 443 from 0.0.0.0/0", "in tcp 8000-8100 from 0.0.0.0/0"}},
		{"  Outbound\tany   to ANY ", []string{"out all to any"}},
		{"allow in udp from 10.0.0.1,2001:db8::/32", []string{"in udp from 10.0.0.1,2001:db8::/32"}},
		{"in 6 22 from sg jump", []string{"in tcp 22 from group jump"}},
		{"in 47 from subnet net/lan", []string{"in 47 from subnet net/lan"}},
		{"out sctp 1 to ip-set peers", []string{"out sctp 1 to set peers"}},
		{"in icmp from group any", []string{"in icmp from group any"}},
		{"in icmp6 type 128 from any", []string{"in icmpv6 type 128 from any"}},
		{"in icmp type 3 code 4 from any ipv4", []string{"in icmp type 3 code 4 from any ipv4"}},
		{"drop in all from 203.0.113.0/24 local 10.0.0.7 ipv4 position 3", []string{"drop in all from 203.0.113.0/24 local 10.0.0.7 ipv4 position 3"}},
	} {
		got, err := ruleTexts(c.text)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}

func TestParseRulesRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "a direction is missing",
		"in":                                   "a protocol is missing",
		"in tcp":                               `"from" and a remote are missing`,
		"in tcp from":                          "a remote is missing",
		"in tcp from group":                    "the name of a group is missing",
		"in tcp 80 from any any":               `"any" is one word too many`,
		"in tcp 80 to any":                     `ingress goes with "from"`,
		"out tcp 80 from any":                  `egress goes with "to"`,
		"in tcp,udp 80 from any":               `"tcp,udp" is not a protocol`,
		"in tcp 80, from any":                  `"" is not a port`,
		"in tcp 80-90-100 from any":            `"80-90-100" is not a port`,
		"in icmp 8 from any":                   "icmp has no ports",
		"in icmp type from any":                `an ICMP type "from" is not a number`,
		"in tcp type 8 from any":               `"from" and a remote are missing`,
		"in tcp 80 from web":                   "web",
		"in tcp 80 from 10.0.0.0/8,":           `""`,
		"in tcp 80 from any position last":     `a position "last" is not a number`,
		"reject in tcp 80 from any":            `"reject" is not a direction`,
		"in tcp 80 from any ipv5":              `"ipv5" is one word too many`,
		"in tcp 99999999999999999999 from any": `"99999999999999999999" is not a port`,
	} {
		_, err := parseRules(text)
		require.ErrorContains(t, err, want, text)
		require.True(t, isType[*usageError](err), text)
	}
}

// TestRuleTextsAreReadAgain holds that the written form of any rule means the rule.
func TestRuleTextsAreReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyRule(t)
		text := wordless().ruleText(&r)
		got, err := parseRules(text)
		require.NoError(t, err, text)
		require.Equal(t, []policy.Rule{r}, got, text)
	})
}

func anyRule(t *rapid.T) policy.Rule {
	maybe := func(label string, low, high int) *int {
		if !rapid.Bool().Draw(t, "with "+label) {
			return nil
		}
		n := rapid.IntRange(low, high).Draw(t, label)
		return &n
	}
	r := policy.Rule{
		Action:    rapid.SampledFrom([]policy.Action{policy.Allow, policy.Drop}).Draw(t, "action"),
		Direction: rapid.SampledFrom(policy.Directions).Draw(t, "direction"),
		Protocol:  rapid.SampledFrom([]policy.Protocol{policy.All, policy.TCP, policy.UDP, policy.SCTP, policy.ICMP, policy.ICMPv6, "47"}).Draw(t, "protocol"),
		Position:  maybe("position", 1, 1000),
	}
	if r.Protocol.HasPorts() {
		if r.PortMin = maybe("port", 1, 65535); r.PortMin != nil {
			high := rapid.IntRange(*r.PortMin, 65535).Draw(t, "high port")
			r.PortMax = &high
		}
	}
	if r.Protocol.IsICMP() {
		if r.ICMPType = maybe("type", 0, 255); r.ICMPType != nil {
			r.ICMPCode = maybe("code", 0, 255)
		}
	}
	if version := maybe("version", 0, 1); version != nil {
		v := 4 + 2**version
		r.IPVersion = &v
	}
	if rapid.Bool().Draw(t, "with local") {
		c := anyCIDR(t)
		r.LocalCIDR = &c
	}
	name := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,10}`)
	switch rapid.IntRange(0, 4).Draw(t, "remote") {
	case 0:
		r.Remote.Any = true
	case 1:
		r.Remote.GroupID = policy.GroupID(name.Draw(t, "group"))
	case 2:
		r.Remote.IPSetID = policy.IPSetID(name.Draw(t, "set"))
	case 3:
		r.Remote.SubnetID = policy.SubnetID(name.Draw(t, "subnet"))
	default:
		for range rapid.IntRange(1, 3).Draw(t, "CIDRs") {
			r.Remote.CIDRs = append(r.Remote.CIDRs, anyCIDR(t))
		}
	}
	return r
}

func anyCIDR(t *rapid.T) policy.CIDR {
	if rapid.Bool().Draw(t, "v6") {
		return policy.CIDR(netip.MustParsePrefix(fmt.Sprintf("2001:db8:%x::/%d", rapid.IntRange(0, 65535).Draw(t, "net"), rapid.IntRange(48, 128).Draw(t, "bits"))))
	}
	return policy.CIDR(netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/%d", rapid.IntRange(0, 255).Draw(t, "net"), rapid.IntRange(16, 32).Draw(t, "bits"))))
}

func FuzzParseRules(f *testing.F) {
	for _, seed := range []string{"in tcp 80,443 from any", "drop out icmp type 3 code 4 to 10.0.0.0/8 local ::1 ipv6 position 2", "in 6 - from"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := ruleTexts(text)
		if err != nil {
			return
		}
		for _, one := range first {
			again, err := ruleTexts(one)
			require.NoError(t, err, one)
			require.Equal(t, []string{one}, again)
		}
	})
}
