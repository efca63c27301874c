package oftest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"conjunct/openflow"
)

// A generator makes small flow tables, and packets that meet them often, from few values.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator {
	return generator{rand.New(rand.NewPCG(seed, 1))}
}

func pick[T any](g generator, all ...T) T { return all[g.IntN(len(all))] }

func (g generator) address() string { return fmt.Sprintf("10.0.0.%d", g.IntN(4)) }

func (g generator) prefix() string {
	return fmt.Sprintf("10.0.0.%d/%d", g.IntN(4), pick(g, 24, 30, 31, 32, 32))
}

// component returns a match on one or two fields, as the flows of a conjunction have.
func (g generator) component() string {
	return pick(g,
		func() string { return "ip,nw_src=" + g.prefix() },
		func() string { return "ip,nw_dst=" + g.prefix() },
		func() string { return fmt.Sprintf("tcp,tp_dst=%s", pick(g, "80", "81", "0x50/0xfffe", "0x50/0xfff0")) },
		func() string { return fmt.Sprintf("ip,in_port=%d", 1+g.IntN(2)) },
		func() string { return fmt.Sprintf("ipv6,ipv6_src=fd00::%d/%d", g.IntN(4), pick(g, 126, 128)) },
		func() string { return fmt.Sprintf("tcp6,tp_dst=%s", pick(g, "80", "0x50/0xfffe")) },
		func() string { return pick(g, "ip", "tcp", "ipv6") },
	)()
}

// isIP reports whether every packet that a match is for is an IP packet.
func isIP(match string) bool {
	return match != "" && !strings.HasPrefix(match, "arp") && strings.ContainsAny(match[:1], "itu") && !strings.HasPrefix(match, "in_port")
}

// match returns a random match; conditions on registers too when regs is set.
func (g generator) match(regs bool) string {
	kind := pick(g, "", "ip", "tcp", "tcp", "udp", "tcp6", "udp6", "ipv6", "icmp", "icmp6", "arp")
	terms := []string{kind}
	maybe := func(format string, args ...any) {
		if g.IntN(3) == 0 {
			terms = append(terms, fmt.Sprintf(format, args...))
		}
	}
	switch kind {
	case "ip", "tcp", "udp", "icmp":
		maybe("nw_src=%s", g.prefix())
		maybe("nw_dst=%s", g.prefix())
	case "ipv6", "tcp6", "udp6", "icmp6":
		maybe("ipv6_src=fd00::%d/%d", g.IntN(4), pick(g, 64, 126, 128))
		maybe("ipv6_dst=fd00::%d/%d", g.IntN(4), pick(g, 64, 126, 128))
	case "arp":
		maybe("arp_spa=%s", g.prefix())
		maybe("arp_op=%d", 1+g.IntN(2))
	}
	switch kind {
	case "tcp", "udp", "tcp6", "udp6":
		maybe("tp_dst=%s", pick(g, "80", "81", "0x50/0xfffe", "82", "0x50/0xfff0"))
		maybe("tp_src=%d", 1000+g.IntN(2))
	case "icmp":
		maybe("icmp_type=%d", pick(g, 0, 8, 3))
	case "icmp6":
		maybe("icmp_type=%d", pick(g, 128, 129))
	}
	maybe("in_port=%d", 1+g.IntN(2))
	if kind != "arp" && kind != "" {
		maybe("nw_ttl=%d", pick(g, 1, 64))
	}
	if regs {
		maybe("ct_state=%s", pick(g, "+trk", "-trk", "+new+trk", "+est+trk"))
		maybe("ct_zone=%d", g.IntN(6))
		maybe("reg%d=%s", g.IntN(3), pick(g, "1", "2", "0x1/0x1", "0x2/0x2", "0x0/0x3"))
	}
	return strings.Trim(strings.Join(terms, ","), ",")
}

// conjunctions returns one to three conjunction actions.
func (g generator) conjunctions() string {
	var all []string
	used := map[int]bool{}
	for range 1 + g.IntN(3) {
		id := 1 + g.IntN(4)
		n := 2 + id%2 // the clauses of an id are as many everywhere
		if !used[id] {
			used[id] = true
			all = append(all, fmt.Sprintf("conjunction(%d,%d/%d)", id, 1+g.IntN(n), n))
		}
	}
	return strings.Join(all, ",")
}

// table returns the flows of one table, with cookies from first on, of which many belong to conjunctions.
func (g generator) table(table, n int, first uint64) string {
	var b strings.Builder
	for i := range n {
		head := fmt.Sprintf("cookie=%d,table=%d,priority=%d", first+uint64(i), table, 10*(1+g.IntN(3)))
		switch g.IntN(6) {
		case 0, 1, 2:
			fmt.Fprintf(&b, "%s,%s actions=%s\n", head, g.component(), g.conjunctions())
		case 3, 4:
			fmt.Fprintf(&b, "%s,conj_id=%d,%s actions=output:1\n", head, 1+g.IntN(4), pick(g, "ip", "ip", "ip", "ipv6", "tcp", ""))
		default:
			fmt.Fprintf(&b, "%s,%s actions=output:2\n", head, g.match(false))
		}
	}
	return strings.ReplaceAll(b.String(), ", actions", " actions")
}

// packet returns a packet in the syntax of ovs-ofctl.
func (g generator) packet() string {
	p := fmt.Sprintf("in_port=%d,", 1+g.IntN(2))
	switch kind := pick(g, "tcp", "tcp", "udp", "tcp6", "udp6", "icmp", "icmp6", "arp"); kind {
	case "tcp", "udp":
		p += fmt.Sprintf("%s,nw_src=%s,nw_dst=%s,nw_ttl=%d,%s_src=%d,%s_dst=%d", kind, g.address(), g.address(), pick(g, 1, 64), kind, 1000+g.IntN(2), kind, 80+g.IntN(3))
	case "tcp6", "udp6":
		p += fmt.Sprintf("%s,ipv6_src=fd00::%d,ipv6_dst=fd00::%d,nw_ttl=%d,%s_src=%d,%s_dst=%d", kind, g.IntN(4), g.IntN(4), pick(g, 1, 64), kind[:3], 1000+g.IntN(2), kind[:3], 80+g.IntN(3))
	case "icmp":
		p += fmt.Sprintf("icmp,nw_src=%s,nw_dst=%s,nw_ttl=64,icmp_type=%d,icmp_code=0", g.address(), g.address(), pick(g, 0, 8, 3))
	case "icmp6":
		p += fmt.Sprintf("icmp6,ipv6_src=fd00::%d,ipv6_dst=fd00::%d,nw_ttl=64,icmpv6_type=%d,icmpv6_code=0", g.IntN(4), g.IntN(4), pick(g, 128, 129))
	case "arp":
		p += fmt.Sprintf("arp,arp_spa=%s,arp_tpa=%s,arp_op=%d", g.address(), g.address(), 1+g.IntN(2))
	}
	return p
}

// pipeline returns the flows of tables 0 to tables-1, which send packets to one another in every way that is modelled.
func (g generator) pipeline(tables, perTable int) string {
	var b strings.Builder
	cookie := 0
	for t := range tables {
		for i := range perTable + 1 {
			cookie++
			match := g.match(true)
			if i == 0 {
				match = ""
			}
			var actions []string
			for range 1 + g.IntN(3) {
				actions = append(actions, g.action(t, tables, isIP(match)))
			}
			if t+1 < tables && g.IntN(2) == 0 {
				actions = append(actions, fmt.Sprintf("goto_table:%d", t+1+g.IntN(tables-t-1)))
			}
			fmt.Fprintf(&b, "cookie=%d,table=%d,priority=%d,%s actions=%s\n", cookie, t, 10*(min(i, 1)+g.IntN(3)), match, strings.Join(actions, ","))
		}
	}
	return strings.ReplaceAll(b.String(), ", actions", " actions")
}

// action returns an action; ip says that the flow is for IP packets only.
func (g generator) action(table, tables int, ip bool) string {
	switch g.IntN(11) {
	case 0, 1:
		return fmt.Sprintf("set_field:%d->reg%d", g.IntN(4), g.IntN(3))
	case 2:
		return fmt.Sprintf("set_field:%s->reg%d", pick(g, "0x1/0x1", "0x0/0x1", "0x2/0x2"), g.IntN(3))
	case 3:
		return fmt.Sprintf("move:NXM_NX_REG%d[0..%d]->NXM_NX_REG%d[0..%d]", g.IntN(3), table%2, g.IntN(3), table%2)
	case 4, 5:
		if table+1 < tables {
			return fmt.Sprintf("resubmit(,%d)", table+1+g.IntN(tables-table-1))
		}
	case 6:
		return fmt.Sprintf("move:NXM_OF_ETH_DST[0..1]->NXM_NX_REG%d[0..1]", g.IntN(3))
	case 7:
		return fmt.Sprintf("set_field:00:00:00:00:00:0%d->eth_dst", g.IntN(4))
	case 8:
		if ip && table+1 < tables {
			return fmt.Sprintf("ct(%stable=%d,zone=%s)", pick(g, "", "commit,"), table+1+g.IntN(tables-table-1), pick(g, "5", "NXM_NX_REG1[0..15]"))
		}
	case 9:
		return pick(g, "push_vlan:0x8100", "push_vlan:0x8100,pop_vlan", "ct_clear", "push_vlan:0x8100,set_field:4103->vlan_vid")
	}
	return fmt.Sprintf("output:%d", 1+g.IntN(3))
}

// mods parses flows, one a line. Those that a switch would not take, for three tags or the like, are left out.
func mods(text string) ([]openflow.FlowMod, error) {
	var all []openflow.FlowMod
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		f, err := openflow.ParseFlow(line)
		if errors.Is(err, openflow.MakeErrorCode(2, 12)) || errors.Is(err, openflow.MakeErrorCode(2, 10)) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, openflow.FlowMod{Command: openflow.FlowAdd, Flow: f})
	}
	return all, nil
}
