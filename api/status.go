package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"conjunct/policy"
)

// Status is how the whole is doing.
type Status struct {
	Revision    int64               `json:"revision"` // the store's newest
	Hosts       []policy.HostStatus `json:"hosts"`
	HostsBehind []policy.HostID     `json:"hosts_behind"` // those of the revision's span that have not confirmed it
	Leader      string              `json:"leader,omitempty"`
	// Store, and by name every other part that is checked, is "ok" or what is wrong with it.
	Store  string            `json:"store"`
	Redis  string            `json:"redis"`
	Checks map[string]string `json:"checks,omitempty"`
}

const (
	wordOK  = "ok"
	wordOff = "off"
	// checkTimeout bounds one check: who asks whether all is well wants to know now.
	checkTimeout = 3 * time.Second
)

// checkResult is the outcome of a check.
type checkResult struct {
	name     string
	err      error
	optional bool
}

func (r checkResult) word() string {
	if r.err != nil {
		return r.err.Error()
	}
	return wordOK
}

// checks runs the store's check and those of the options, side by side.
func (s *Server) checks(ctx context.Context) []checkResult {
	all := append([]Check{{Name: "store", Run: s.Objects.Healthy}}, s.Checks...)
	out := make([]checkResult, len(all))
	done := make(chan int)
	for i, check := range all {
		go func() {
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			defer cancel()
			out[i] = checkResult{check.Name, check.Run(ctx), check.Optional}
			done <- i
		}()
	}
	for range all {
		<-done
	}
	return out
}

var errNotWell = errors.New("not well")

func (c *call) seesHosts() bool { return c.bearer.Role.Ever(policy.KindHypervisor).Has(policy.MaySee) }

// hosts are those that may be named to who asks.
func (c *call) hosts(all []policy.HostID) []policy.HostID {
	if all == nil || !c.seesHosts() {
		return []policy.HostID{}
	}
	return all
}

func (c *call) status() error {
	revision := c.Objects.Revision()
	behind, _ := c.Inspector.Late(revision)
	hosts := c.Inspector.Hosts()
	if !c.seesHosts() {
		hosts = nil
	}
	st := Status{Revision: revision, Hosts: hosts, HostsBehind: c.hosts(behind), Redis: wordOff, Checks: make(map[string]string)}
	if st.Hosts == nil {
		st.Hosts = []policy.HostStatus{}
	}
	if c.Leader != nil && c.seesHosts() {
		st.Leader = c.Leader()
	}
	for _, r := range c.checks(c.r.Context()) {
		if r.err != nil && !c.seesHosts() {
			r.err = errNotWell // What exactly is nothing for tenants.
		}
		switch r.name {
		case "store":
			st.Store = r.word()
		case "redis":
			st.Redis = r.word()
		default:
			st.Checks[r.name] = r.word()
		}
	}
	c.setRevision(revision)
	return c.reply(http.StatusOK, st)
}
