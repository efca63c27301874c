package main

import (
	"fmt"
	"strconv"
	"strings"

	"conjunct/policy"
)

const ruleForm = "[drop] in|out PROTOCOL [PORTS | type N [code N]] from|to REMOTE [local CIDR] [ipv4|ipv6] [position N]"

// ruleHelp explains the compact form of rules.
const ruleHelp = `A rule is written ` + ruleForm + `:
  in tcp 80,443 from any          one rule for each port or range of the list
  in tcp 22 from 10.0.0.0/8       one address, one CIDR, or several with commas
  in tcp 3306 from group app      the addresses of whoever has the group
  out udp 53 to set resolvers     those of an IP set; 'subnet NAME' those of a subnet
  in icmp type 8 from any         an ICMP type and code
  in all from own-subnet          the addresses of the subnet of the VM's port
  drop in all from 203.0.113.0/24 position 1   in ordered groups
'in' is what others open towards the VM, 'out' what the VM opens. Anywhere has to be said: from any, to any.`

// parseRules reads the compact form. Where the remote is a group, a set or a subnet, its id is the word for it: see
// names.resolveRemote. A list of ports makes as many rules.
func parseRules(text string) ([]policy.Rule, error) {
	p := &ruleParser{words: strings.Fields(text)}
	rules := p.rules()
	if p.err == nil && len(p.words) > 0 {
		p.fail("%q is one word too many", p.words[0])
	}
	if p.err != nil {
		return nil, usage("rule %q: %w", text, p.err)
	}
	return rules, nil
}

// ruleParser remembers its first error; after it everything reads as nothing.
type ruleParser struct {
	words []string
	err   error
}

func (p *ruleParser) fail(form string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(form+"; write "+ruleForm, args...)
	}
}

// take is the next word, which has to exist.
func (p *ruleParser) take(what string) string {
	if len(p.words) == 0 || p.err != nil {
		p.fail("%s is missing", what)
		return ""
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

// skip takes the next word if it is the one.
func (p *ruleParser) skip(word string) bool {
	if len(p.words) == 0 || !strings.EqualFold(p.words[0], word) {
		return false
	}
	p.words = p.words[1:]
	return true
}

func (p *ruleParser) number(what string) *int {
	w := p.take(what)
	n, err := strconv.Atoi(w)
	if err != nil {
		p.fail("%s %q is not a number", what, w)
	}
	return &n
}

func (p *ruleParser) rules() []policy.Rule {
	r := policy.Rule{Action: policy.Allow}
	if p.skip(string(policy.Drop)) {
		r.Action = policy.Drop
	} else {
		p.skip(string(policy.Allow))
	}
	if err := r.Direction.UnmarshalText([]byte(p.take("a direction"))); err != nil {
		p.fail("%w", err)
	}
	protocol, err := policy.ParseProtocol(p.take("a protocol"))
	if err != nil {
		p.fail("%w", err)
	}
	r.Protocol = protocol
	ranges := p.ranges(protocol)
	if protocol.IsICMP() && p.skip("type") {
		if r.ICMPType = p.number("an ICMP type"); p.skip("code") {
			r.ICMPCode = p.number("an ICMP code")
		}
	}
	p.remote(&r)
	if p.skip("local") {
		r.LocalCIDR = &p.cidrs(p.take("a local CIDR"))[0]
	}
	for _, version := range []int{4, 6} {
		if p.skip(fmt.Sprintf("ipv%d", version)) {
			r.IPVersion = &version
		}
	}
	if p.skip("position") {
		r.Position = p.number("a position")
	}
	if len(ranges) == 0 {
		return []policy.Rule{r}
	}
	var out []policy.Rule
	for _, ports := range ranges {
		one := r
		one.PortMin, one.PortMax = &ports[0], &ports[1]
		out = append(out, one)
	}
	return out
}

// ranges reads ports such as 80,443,8000-8100.
func (p *ruleParser) ranges(protocol policy.Protocol) (out [][2]int) {
	if len(p.words) == 0 || p.err != nil || p.words[0][0] < '0' || p.words[0][0] > '9' {
		return nil
	}
	if !protocol.HasPorts() {
		p.fail("%s has no ports", protocol)
	}
	for part := range strings.SplitSeq(p.take("ports"), ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		first, err := strconv.Atoi(low)
		last, err2 := strconv.Atoi(high)
		if err != nil || err2 != nil {
			p.fail("%q is not a port such as 80 or a range such as 8000-8100", part)
		}
		out = append(out, [2]int{first, last})
	}
	return out
}

func (p *ruleParser) remote(r *policy.Rule) {
	side, other := "from", "to"
	if r.Direction == policy.Egress {
		side, other = other, side
	}
	if p.skip(other) {
		p.fail("%s goes with %q", r.Direction, side)
	}
	if !p.skip(side) {
		p.fail("%q and a remote are missing (anywhere is '%s any')", side, side)
	}
	switch word := p.take("a remote"); strings.ToLower(word) {
	case "any":
		r.Remote.Any = true
	case "group", "sg":
		r.Remote.GroupID = policy.GroupID(p.take("the name of a group"))
	case "set", "ip-set":
		r.Remote.IPSetID = policy.IPSetID(p.take("the name of an IP set"))
	case "subnet":
		r.Remote.SubnetID = policy.SubnetID(p.take("the name of a subnet"))
	case "own-subnet":
		r.Remote.OwnSubnet = true
	default:
		r.Remote.CIDRs = p.cidrs(word)
	}
}

// cidrs reads addresses and CIDRs with commas between them; there is at least one.
func (p *ruleParser) cidrs(text string) (out []policy.CIDR) {
	for part := range strings.SplitSeq(text, ",") {
		prefix, err := policy.ParsePrefix(part)
		if err != nil {
			p.fail("%w", err)
		}
		out = append(out, policy.CIDR(prefix))
	}
	return out
}

// resolveRemote puts ids in place of names.
func (n *names) resolveRemote(r *policy.Remote) error {
	group, err := n.optional(policy.KindGroup, string(r.GroupID))
	if err != nil {
		return err
	}
	set, err := n.optional(policy.KindIPSet, string(r.IPSetID))
	if err != nil {
		return err
	}
	subnet, err := n.optional(policy.KindSubnet, string(r.SubnetID))
	if err != nil {
		return err
	}
	r.GroupID, r.IPSetID, r.SubnetID = policy.GroupID(group), policy.IPSetID(set), policy.SubnetID(subnet)
	return nil
}
