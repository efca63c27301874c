package main

import (
	"context"
	"strconv"

	"conjunct/api"
	"conjunct/policy"
)

// limitWords are what people call the limits. They are no objects: projects and profiles set them.
var limitWords = []string{"limits", "limit"}

// showLimits prints the limits that hold in the session's project, or in one that sets none.
func (s *session) showLimits(ctx context.Context, words []string) error {
	if len(words) > 0 {
		return usage("limits take no names; --project NAME shows those of a project")
	}
	n, err := s.names(ctx)
	if err != nil {
		return err
	}
	limits, err := n.client.Limits(ctx, n.project)
	if err != nil {
		return err
	}
	if done, err := s.data(map[string][]api.Limit{"items": limits}); done {
		return err
	}
	var rows [][]string
	for _, l := range limits {
		if s.output == asNames {
			s.printf("limit/%s\n", l.Name)
		}
		source := l.Source
		if l.VPCID != "" {
			source += ", in VPC " + n.label(policy.KindVPC, string(l.VPCID))
		}
		rows = append(rows, []string{l.Name, strconv.Itoa(l.Limit), source, l.Raise})
	}
	if s.output == asNames {
		return nil
	}
	return s.columns([]string{"LIMIT", "VALUE", "SET BY", "RAISED BY"}, rows)
}
