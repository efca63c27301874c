package main

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"conjunct/api"
	"conjunct/policy"
)

// questionFlags are what else a question may say.
type questionFlags struct {
	srcPort, icmpType, packet, source string
	icmpCode, version                 int
}

// read puts what the flags say into the question.
func (f *questionFlags) read(flags *pflag.FlagSet, q *api.Question) error {
	q.Packet = policy.PacketKind(f.packet)
	if flags.Changed("icmp-code") {
		q.ICMPCode = &f.icmpCode
	}
	if flags.Changed("ip-version") {
		q.Version = &f.version
	}
	if f.srcPort != "" {
		n, err := policy.ParsePort(f.srcPort)
		if err != nil {
			return &usageError{err}
		}
		q.SrcPort = &n
	}
	if f.icmpType != "" {
		kind, err := policy.ParseICMPKind(f.icmpType)
		if err != nil {
			return &usageError{err}
		}
		q.ICMPType = &kind
	}
	return nil
}

func explainCommand(s *session) *cobra.Command {
	var f questionFlags
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "explain FROM TO PROTOCOL [PORT]",
		Short: "Tell whether a connection may be opened, and which rule says so",
		Long: `Explain judges one connection by the rules of now, at both ends: the sender's egress and the receiver's ingress. It names the
rule that decides at each end, or the one that came nearest and what of it does not fit. Where it is refused, it says what would let it pass.

FROM and TO are ports, instances with one port, or addresses. An address inside the other end's VPC is the port that has it. FROM opens the
connection, also when --packet asks about a packet that comes back. PORT is a number or the name of a service.

With --source bridge the packet is also taken through the flows that the bridges hold at this moment. Where they do something else than the policy
says, each flow that is not as it should be is shown, and the exit status is 7.`,
		Example: `  conjunct explain web database tcp 3306
  conjunct explain 198.51.100.7 web-0 tcp 443
  conjunct explain web 2001:db8:0:1::14 icmpv6
  conjunct explain app database tcp 3306 --exit-code >/dev/null || echo broken`,
		Args: cobra.RangeArgs(3, 4),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			q, err := n.question(args)
			if err != nil {
				return err
			}
			if err := f.read(cmd.Flags(), q); err != nil {
				return err
			}
			answer, err := n.client.Explain(cmd.Context(), q, api.Query("source", f.source))
			if err != nil {
				return err
			}
			if err := s.answer(n, q, answer); err != nil {
				return err
			}
			if len(answer.Findings) > 0 {
				return errDrift
			}
			if exitCode && !answer.Allowed {
				return errDenied
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&f.srcPort, "src-port", "", "port of the sender (default: some port above 32767)")
	cmd.Flags().StringVar(&f.icmpType, "icmp-type", "", "ICMP type, a number or a name such as echo-request (the default)")
	cmd.Flags().IntVar(&f.icmpCode, "icmp-code", 0, "ICMP code")
	cmd.Flags().IntVar(&f.version, "ip-version", 0, "4 or 6 (default: what the addresses say; of two ports with both, 4)")
	cmd.Flags().StringVar(&f.packet, "packet", "", "which packet of the connection: opening (the default), later, reply or icmp-error")
	cmd.Flags().StringVar(&f.source, "source", "policy", "policy, or bridge: also what the flows say that the bridges hold")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "end with status 5 when the connection does not pass")
	cmd.ValidArgsFunction = s.completeEnds
	return cmd
}

func (n *names) question(args []string) (*api.Question, error) {
	q := new(api.Question)
	var err error
	if q.From, err = n.end(args[0]); err != nil {
		return nil, err
	}
	if q.To, err = n.end(args[1]); err != nil {
		return nil, err
	}
	if q.Protocol, err = policy.ParseProtocol(args[2]); err != nil {
		return nil, &usageError{err}
	}
	if len(args) > 3 {
		port, err := policy.ParsePort(args[3])
		if err != nil {
			return nil, &usageError{err}
		}
		q.Port = &port
	}
	return q, nil
}

// end is what a word means at one end of a connection.
func (n *names) end(word string) (api.QuestionEnd, error) {
	if a, err := netip.ParseAddr(word); err == nil {
		return api.QuestionEnd{Address: a}, nil
	}
	p, err := n.port(word)
	if err != nil {
		return api.QuestionEnd{}, err
	}
	return api.QuestionEnd{PortID: policy.PortID(p.ID)}, nil
}

// port is the port with the id, or the one port of an instance.
func (n *names) port(word string) (*api.Port, error) {
	if policy.ValidName(word) {
		p, err := n.client.Ports().Get(n.ctx, word)
		if !hasStatus(http.StatusNotFound)(err) {
			return p, err
		}
	}
	instance, err := n.id(policy.KindInstance, word)
	if isType[*absentError](err) {
		return nil, &absentError{fmt.Sprintf("%q is no port and no instance", word)}
	}
	if err != nil {
		return nil, err
	}
	ports, err := n.client.Ports().List(n.ctx, api.Query("instance_id", instance))
	if err != nil {
		return nil, err
	}
	switch len(ports) {
	case 1:
		return &ports[0], nil
	case 0:
		return nil, &absentError{fmt.Sprintf("instance %q has no port", word)}
	}
	var ids []string
	for _, p := range ports {
		ids = append(ids, p.ID)
	}
	return nil, usage("instance %q has several ports; say which: %s", word, strings.Join(ids, ", "))
}
