package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"conjunct/policy"
)

// mutation is a change with its answer.
type mutation struct {
	// apply writes. It may run more than once, each time from the beginning.
	apply func(*change) error
	// answer reads what to say, once the change stands; nil says nothing (204).
	answer func(*reader) (any, error)
	// status is asked after apply.
	status func() int
}

func (m mutation) statusOf() int {
	if m.status == nil {
		return http.StatusOK
	}
	return m.status()
}

func (m mutation) make(c *change) error {
	if err := m.apply(c); err != nil {
		return err
	}
	return c.complete()
}

// Bounds of a wait.
const (
	defaultWait = 30 * time.Second
	maxWait     = 10 * time.Minute
)

// bearerCheck is how often a wait looks whether its token still holds.
const bearerCheck = 500 * time.Millisecond

// wait is a wish to be answered only once something is so.
type wait struct {
	forWhat string // "" for no wait
	timeout time.Duration
}

// wish reads the parameters wait and timeout.
func (c *call) wish(allowed string) (wait, error) {
	w := wait{forWhat: c.query.Get("wait"), timeout: defaultWait}
	if c.query.Has("wait") && w.forWhat != allowed {
		return w, badParameter("wait", "wait is %q or absent here, not %q", allowed, w.forWhat)
	}
	if !c.query.Has("timeout") {
		return w, nil
	}
	text := c.query.Get("timeout")
	d, err := time.ParseDuration(text)
	if n, nerr := strconv.Atoi(text); nerr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < 0 || d > maxWait {
		return w, badParameter("timeout", "timeout is a duration such as 30s, at most %s, not %q", maxWait, text)
	}
	w.timeout = d
	return w, nil
}

// mutate makes the change and answers.
func (c *call) mutate(m mutation) error {
	dry, err := c.flag("dry_run")
	if err != nil {
		return err
	}
	wish, err := c.wish("applied")
	if err != nil {
		return err
	}
	if dry {
		return c.tryOut(m)
	}
	var done *change
	revision, err := c.Objects.Update(policy.WithActor(c.r.Context(), c.actor()), func(tx policy.Tx) error {
		done = c.newChange(tx)
		return m.make(done)
	})
	if err != nil {
		return c.veil(explained(done, err))
	}
	c.setRevision(revision)
	c.setWarnings(done)
	var behind []policy.HostID
	if wish.forWhat != "" {
		lacking := c.Inspector.Behind
		if revision <= done.on { // Nothing is changed: what has been so before may still be on its way.
			lacking = c.Inspector.Late
		}
		behind = c.awaitApplied(revision, lacking, wish.timeout)
		if err := c.alive(); err != nil && len(behind) > 0 {
			return err
		}
	}
	var body any
	if m.answer != nil {
		c.Objects.View(func(s *policy.Snapshot) { body, err = m.answer(c.reader(s)) })
		if err != nil {
			return err
		}
		done.tell(body)
	}
	if len(behind) > 0 {
		c.tag(body)
		return c.reply(http.StatusAccepted, Pending{Revision: revision, HostsBehind: c.hosts(behind), Result: body})
	}
	return c.conclude(m, body)
}

// tryOut judges the change as mutate does and stores nothing. The answer is read from the state that the change would leave,
// and says beside it what the change would do to ports. They are compared when nobody waits for the store any more.
func (c *call) tryOut(m mutation) error {
	var body any
	var done *change
	var before, after *policy.Snapshot
	err := c.Objects.DryRun(c.r.Context(), func(tx policy.Tx) error {
		before = tx.Snapshot().Clone()
		done = c.newChange(tx)
		err := m.make(done)
		if err == nil && m.answer != nil {
			body, err = m.answer(c.reader(tx.Snapshot()))
		}
		after = tx.Snapshot().Clone()
		return err
	})
	if err != nil {
		return c.veil(explained(done, err))
	}
	c.setRevision(c.Objects.Revision())
	c.setWarnings(done)
	done.tell(body)
	t := tried{body: body, preview: c.previewOf(before, after)}
	if body == nil && t.preview.Ports == 0 {
		return c.conclude(m, nil)
	}
	c.tag(body)
	return c.reply(m.statusOf(), t)
}

func explained(done *change, err error) error {
	if done == nil { // The store refused before the change was made.
		return err
	}
	return done.explain(err)
}

func (c *call) conclude(m mutation, body any) error {
	status := m.statusOf()
	if body == nil {
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	c.tag(body)
	return c.reply(status, body)
}

// tag sets the ETag of an answer that is an object.
func (c *call) tag(body any) {
	if o, ok := body.(interface{ Base() *policy.Meta }); ok && o.Base().Revision != 0 {
		c.w.Header().Set("ETag", etag(o.Base().Revision))
	}
}

func etag(revision int64) string { return `"` + strconv.FormatInt(revision, 10) + `"` }

// precondition judges If-Match and If-None-Match against the object of the transaction; nil when there is none.
func (c *call) precondition(tx policy.Tx, o policy.Object) error {
	current := ""
	if o != nil {
		current = etag((&reader{snapshot: tx.Snapshot()}).revision(o))
	}
	if want := c.r.Header.Get("If-Match"); want != "" && !matchesTag(want, current) {
		return policy.ErrStale
	}
	if unwanted := c.r.Header.Get("If-None-Match"); unwanted != "" && matchesTag(unwanted, current) {
		return fail(http.StatusPreconditionFailed, "exists", "the object exists already")
	}
	return nil
}

// matchesTag reads a list of tags (RFC 9110, 13.1); * is any object that exists.
func matchesTag(header, current string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if current != "" && (tag == "*" || tag == current || `"`+tag+`"` == current) {
			return true
		}
	}
	return false
}

// awaitApplied returns the hosts that lack the revision, as lacking lists them, when the time is up, the caller has gone or the
// server ends; none when all have it.
func (c *call) awaitApplied(revision int64, lacking func(int64) ([]policy.HostID, <-chan struct{}), timeout time.Duration) []policy.HostID {
	up := time.NewTimer(timeout)
	defer up.Stop()
	again := time.NewTicker(bearerCheck)
	defer again.Stop()
	for {
		behind, changed := lacking(revision)
		if len(behind) == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-again.C:
			if c.alive() != nil {
				return behind
			}
		case <-up.C:
			behind, _ = lacking(revision)
			return behind
		case <-c.r.Context().Done():
			return behind
		case <-c.closing:
			return behind
		}
	}
}
