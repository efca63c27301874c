package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/policy"
)

// targetFlags say to whom a group is attached: to all that are named.
type targetFlags struct {
	instances, ports, subnets, cidrs, tags []string
	vpc                                    string
}

func (f *targetFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.instances, "instance", nil, "all ports of the instance (may be repeated, as the others)")
	flags.StringSliceVar(&f.ports, "port", nil, "the port")
	flags.StringSliceVar(&f.subnets, "subnet", nil, "all ports of the subnet (NAME or VPC/NAME), present and future")
	flags.StringSliceVar(&f.cidrs, "cidr", nil, "all ports of a VPC that have an address in the CIDR, present and future; needs --vpc")
	flags.StringVar(&f.vpc, "vpc", "", "the VPC of --cidr")
	flags.StringSliceVar(&f.tags, "tag", nil, "all ports of instances with the tag KEY=VALUE, present and future")
	cmd.MarkFlagsOneRequired("instance", "port", "subnet", "cidr", "tag")
	cmd.MarkFlagsRequiredTogether("cidr", "vpc")
}

// resolve finds out which group a command line speaks of, and to whom the flags attach it.
func (f *targetFlags) resolve(ctx context.Context, s *session, word string) (*names, policy.GroupID, []policy.Target, error) {
	n, err := s.names(ctx)
	if err != nil {
		return nil, "", nil, err
	}
	group, err := n.id(policy.KindGroup, word)
	if err != nil {
		return nil, "", nil, err
	}
	targets, err := f.targets(n)
	return n, policy.GroupID(group), targets, err
}

// targets are what the flags mean.
func (f *targetFlags) targets(n *names) (out []policy.Target, err error) {
	for _, row := range []struct {
		words  []string
		kind   policy.Kind
		target func(id string) policy.Target
	}{
		{f.instances, policy.KindInstance, func(id string) policy.Target { return policy.Target{InstanceID: policy.InstanceID(id)} }},
		{f.ports, policy.KindPort, func(id string) policy.Target { return policy.Target{PortID: policy.PortID(id)} }},
		{f.subnets, policy.KindSubnet, func(id string) policy.Target { return policy.Target{SubnetID: policy.SubnetID(id)} }},
	} {
		for _, word := range row.words {
			id, err := n.id(row.kind, word)
			if err != nil {
				return nil, err
			}
			out = append(out, row.target(id))
		}
	}
	vpc, err := n.optional(policy.KindVPC, f.vpc)
	if err != nil {
		return nil, err
	}
	for _, word := range f.cidrs {
		p, err := policy.ParsePrefix(word)
		if err != nil {
			return nil, &usageError{err}
		}
		c := policy.CIDR(p)
		out = append(out, policy.Target{CIDR: &c, VPCID: policy.VPCID(vpc)})
	}
	for _, word := range f.tags {
		key, value, ok := strings.Cut(word, "=")
		if !ok || key == "" {
			return nil, usage("--tag %q is not KEY=VALUE", word)
		}
		out = append(out, policy.Target{Tag: map[string]string{key: value}})
	}
	return out, nil
}

// attached says of each target what became of it.
func (s *session) attached(n *names, group policy.GroupID, verb string, targets []policy.Target) {
	for _, t := range targets {
		s.printf("security-group %s %s %s%s\n", n.label(policy.KindGroup, string(group)), verb, n.targetWords(t), s.dryWords())
	}
}
