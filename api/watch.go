package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"conjunct/policy"
)

// Event is one revision of /v1/watch: everything that one transaction changed, of the kinds that were asked for.
type Event struct {
	Revision int64         `json:"revision"`
	Changes  []EventChange `json:"changes"`
}

// EventChange is an object as it is after the write; null when it was deleted.
type EventChange struct {
	Kind   policy.Kind     `json:"kind"`
	ID     string          `json:"id"`
	Object json.RawMessage `json:"object"`
}

// Times of a stream: a comment goes out so often that intermediaries keep it open, and a reader that takes nothing for so
// long is cut off.
const (
	heartbeat    = 15 * time.Second
	writeTimeout = 30 * time.Second
)

// watch streams what changes as server-sent events whose id is the revision. The store's history is asked from since, or
// from the Last-Event-ID of a stream that broke; without either the stream begins with what comes next.
func (c *call) watch() error {
	since, err := c.since()
	if err != nil {
		return err
	}
	kinds, err := c.kinds()
	if err != nil {
		return err
	}
	batches, err := c.Objects.Since(c.r.Context(), since)
	if err != nil {
		if errors.Is(err, policy.ErrUnavailable) || c.r.Context().Err() != nil {
			return err
		}
		return fail(http.StatusGone, "history-gone", "what happened since revision %d is not kept any more; list again and watch from the list's %s", since, headerRevision)
	}
	c.metrics.watchers.Inc()
	defer c.metrics.watchers.Dec()
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.setRevision(since)
	c.w.WriteHeader(http.StatusOK)
	c.stream(batches, since, kinds)
	return nil
}

func (c *call) since() (int64, error) {
	text, name := c.query.Get("since"), "since"
	if !c.query.Has("since") {
		text, name = c.r.Header.Get("Last-Event-ID"), "Last-Event-ID"
	}
	if text == "" && !c.query.Has("since") {
		return c.Objects.Revision(), nil
	}
	revision, err := strconv.ParseInt(text, 10, 64)
	if err != nil || revision < 0 {
		return 0, badParameter("since", "%s is a revision, not %q", name, text)
	}
	return revision, nil
}

// watchable are the kinds that a stream may show; what opens the API is not among them.
func watchable() []policy.Kind {
	return slices.DeleteFunc(policy.Kinds(), func(k policy.Kind) bool { return k == policy.KindToken })
}

func (c *call) kinds() ([]policy.Kind, error) {
	if !c.query.Has("kinds") {
		return watchable(), nil
	}
	var out []policy.Kind
	for word := range strings.SplitSeq(c.query.Get("kinds"), ",") {
		k := policy.Kind(strings.TrimSpace(word))
		if !slices.Contains(watchable(), k) {
			return nil, badParameter("kinds", "%q is not a kind that can be watched; these are: %v", k, watchable())
		}
		out = append(out, k)
	}
	return out, nil
}

// stream writes until the reader goes, the server ends or the store's watch breaks. The reader comes back by itself with
// the id of the last event that it got.
func (c *call) stream(batches <-chan policy.Batch, since int64, kinds []policy.Kind) {
	out := http.NewResponseController(c.w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var expired <-chan time.Time
	if end := c.bearer.ExpiresAt; end != nil {
		timer := time.NewTimer(end.Sub(c.Clock()))
		defer timer.Stop()
		expired = timer.C
	}
	write := func(text string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(writeTimeout)) // Where there is no deadline, the context ends the stream.
		_, err := c.w.Write([]byte(text))
		return err == nil && out.Flush() == nil
	}
	if !write(fmt.Sprintf(": watching since revision %d\n\n", since)) {
		return
	}
	for {
		text := ": \n\n"
		select {
		case <-c.r.Context().Done():
			return
		case <-c.closing:
			return
		case <-expired:
			return
		case <-beat.C:
		case b, ok := <-batches:
			if !ok || c.isRevoked(b) {
				return
			}
			text = eventText(c.shown(b), kinds)
		}
		if c.alive() != nil {
			return
		}
		if text != "" && !write(text) {
			return
		}
	}
}

// isRevoked reports whether the batch deletes the token of who reads.
func (c *call) isRevoked(b policy.Batch) bool {
	return slices.ContainsFunc(b.Changes, func(ch policy.Change) bool {
		return ch.Kind == policy.KindToken && ch.ID == c.bearer.ID && ch.Object == nil
	})
}

// shown is what of a batch its reader may see. What the reader saw and sees no more is gone for the reader. An object of the past
// whose owner is gone, neither in the batch nor in the present state, is not shown: nobody can say whose it was.
func (c *call) shown(b policy.Batch) policy.Batch {
	type name struct {
		kind policy.Kind
		id   string
	}
	written := make(map[name]policy.Object, len(b.Changes))
	for _, ch := range b.Changes {
		written[name{ch.Kind, ch.ID}] = ch.Before
		if ch.Object != nil {
			written[name{ch.Kind, ch.ID}] = ch.Object
		}
	}
	out := policy.Batch{Revision: b.Revision}
	c.Objects.View(func(s *policy.Snapshot) {
		sight := c.bearer.Bearer().In(s).With(func(k policy.Kind, id string) (policy.Object, bool) {
			o := written[name{k, id}]
			return o, o != nil
		})
		for _, ch := range b.Changes {
			if ch.Object != nil && !sight.Sees(ch.Object) {
				ch.Object = nil
			}
			if ch.Object != nil || ch.Before != nil && sight.Sees(ch.Before) {
				out.Changes = append(out.Changes, ch)
			}
		}
	})
	return out
}

// eventText is a batch as an event, or "" when it has none of the kinds.
func eventText(b policy.Batch, kinds []policy.Kind) string {
	e := Event{Revision: b.Revision}
	for _, ch := range b.Changes {
		if !slices.Contains(kinds, ch.Kind) {
			continue
		}
		object, err := json.Marshal(ch.Object) // A nil object is null.
		if err != nil {                        // What came out of the store as JSON goes back into it.
			continue
		}
		e.Changes = append(e.Changes, EventChange{ch.Kind, ch.ID, object})
	}
	if len(e.Changes) == 0 {
		return ""
	}
	data, err := json.Marshal(e)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("id: %d\nevent: change\ndata: %s\n\n", e.Revision, data)
}
