package main

import (
	"context"

	"conjunct/api"
)

// platformRuleWords are what people call the platform's rules. They are no objects: nobody makes, changes or deletes one.
var platformRuleWords = []string{"platform-rules", "platform-rule"}

// showPlatformRules prints the platform's rules, or those that are named.
func (s *session) showPlatformRules(ctx context.Context, words []string) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	all, err := client.PlatformRules(ctx)
	if err != nil {
		return err
	}
	rules := all
	if len(words) > 0 {
		rules = nil
	}
	for _, word := range words {
		found := false
		for i := range all {
			if all[i].ID == word {
				rules, found = append(rules, all[i]), true
			}
		}
		if !found {
			return usage("%q is no platform rule; 'conjunct get platform-rules' lists them", word)
		}
	}
	if done, err := s.data(map[string][]api.PlatformRule{"items": rules}); done {
		return err
	}
	var rows [][]string
	for i := range rules {
		r := &rules[i]
		if s.output == asNames {
			s.printf("platform-rule/%s\n", r.ID)
		}
		packets, size, last := "", "", "" // a user's
		if r.Hits != nil {
			packets, size, last = count(r.Hits.Packets), count(r.Hits.Bytes), lastHit(*r.Hits)
		}
		rows = append(rows, []string{r.ID, string(r.Direction), string(r.Action), platformText(r), packets, size, last, r.Description})
	}
	if s.output == asNames {
		return nil
	}
	return s.columns([]string{"PLATFORM RULE", "DIRECTION", "ACTION", "RULE", "PACKETS", "BYTES", "LAST HIT", "DESCRIPTION"}, rows)
}
