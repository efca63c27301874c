package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/policy"
)

// targetFlags say to whom a group is attached.
type targetFlags struct {
	instance, port, subnet, cidr, vpc, tag string
}

func (f *targetFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.instance, "instance", "", "all ports of the instance")
	flags.StringVar(&f.port, "port", "", "the port")
	flags.StringVar(&f.subnet, "subnet", "", "all ports of the subnet (NAME or VPC/NAME), present and future")
	flags.StringVar(&f.cidr, "cidr", "", "all ports of a VPC that have an address in the CIDR, present and future; needs --vpc")
	flags.StringVar(&f.vpc, "vpc", "", "the VPC of --cidr")
	flags.StringVar(&f.tag, "tag", "", "all ports of instances with the tag KEY=VALUE, present and future")
	cmd.MarkFlagsMutuallyExclusive("instance", "port", "subnet", "cidr", "tag")
	cmd.MarkFlagsOneRequired("instance", "port", "subnet", "cidr", "tag")
	cmd.MarkFlagsRequiredTogether("cidr", "vpc")
}

// resolve finds out which group a command line speaks of, and to whom the flags attach it.
func (f *targetFlags) resolve(ctx context.Context, s *session, word string) (*names, policy.GroupID, policy.Target, error) {
	n, err := s.names(ctx)
	if err != nil {
		return nil, "", policy.Target{}, err
	}
	group, err := n.id(policy.KindGroup, word)
	if err != nil {
		return nil, "", policy.Target{}, err
	}
	target, err := f.target(n)
	return n, policy.GroupID(group), target, err
}

// target is what the flags mean.
func (f *targetFlags) target(n *names) (t policy.Target, err error) {
	for _, row := range []struct {
		word string
		kind policy.Kind
		set  func(id string)
	}{
		{f.instance, policy.KindInstance, func(id string) { t.InstanceID = policy.InstanceID(id) }},
		{f.port, policy.KindPort, func(id string) { t.PortID = policy.PortID(id) }},
		{f.subnet, policy.KindSubnet, func(id string) { t.SubnetID = policy.SubnetID(id) }},
		{f.vpc, policy.KindVPC, func(id string) { t.VPCID = policy.VPCID(id) }},
	} {
		id, err := n.optional(row.kind, row.word)
		if err != nil {
			return t, err
		}
		row.set(id)
	}
	if f.cidr != "" {
		p, err := policy.ParsePrefix(f.cidr)
		if err != nil {
			return t, &usageError{err}
		}
		c := policy.CIDR(p)
		t.CIDR = &c
	}
	if f.tag != "" {
		key, value, ok := strings.Cut(f.tag, "=")
		if !ok || key == "" {
			return t, usage("--tag %q is not KEY=VALUE", f.tag)
		}
		t.Tag = map[string]string{key: value}
	}
	return t, nil
}
