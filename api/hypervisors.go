package api

import (
	"net/http"
	"strings"

	"conjunct/policy"
)

// hostFlows shows the flows that are wanted on the host's bridge, in ovs-ofctl syntax, a rule's name as a comment before its flows.
func (c *call) hostFlows() error {
	host, err := c.host()
	if err != nil {
		return err
	}
	flows, err := c.Inspector.DesiredFlows(host)
	if err != nil {
		return fail(http.StatusServiceUnavailable, "flows-unavailable", "the flows of %q can't be told: %s", host, err)
	}
	text := strings.Join(flows, "\n")
	if text != "" {
		text += "\n"
	}
	return c.text(http.StatusOK, text)
}

// hostDiff asks the host's switch for its flows and compares.
func (c *call) hostDiff() error {
	host, err := c.host()
	if err != nil {
		return err
	}
	diff, err := c.Inspector.DiffFlows(host)
	if err != nil {
		return fail(http.StatusServiceUnavailable, "host-unavailable", "the bridge of %q can't be asked: %s", host, err)
	}
	for _, list := range []*[]string{&diff.Missing, &diff.Extra, &diff.Changed} {
		if *list == nil {
			*list = []string{}
		}
	}
	return c.reply(http.StatusOK, diff)
}

func (c *call) host() (policy.HostID, error) {
	id := c.variable("id")
	known := false
	c.Objects.View(func(s *policy.Snapshot) { _, known = s.Get(policy.KindHypervisor, id) })
	if !known {
		return "", &policy.NotFound{Kind: policy.KindHypervisor, ID: id}
	}
	return policy.HostID(id), nil
}
