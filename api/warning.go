package api

import (
	"fmt"
	"slices"
	"strings"

	"conjunct/policy"
)

// headerWarning carries advice beside an answer, in the form of RFC 7234, 5.5: 299 is for what lasts, and conjunct the agent that
// says it.
const (
	headerWarning = "Warning"
	warnPrefix    = `299 conjunct "`
	maxWarnings   = 20 // of one answer
)

var warnEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// warn adds a sentence to those that go with the answer, each once.
func (c *change) warn(text string) {
	if !slices.Contains(c.warnings, text) {
		c.warnings = append(c.warnings, text)
	}
}

// advise warns of what a write does that is allowed and seldom meant.
func (c *change) advise(before, after policy.Object) {
	if text, ok := policy.Advise(before, after, c.Tx.Snapshot()); ok {
		c.warn(text)
	}
}

// caution warns of what the writes together have made that is allowed and seldom meant. It speaks of what who asks may see.
func (c *change) caution() {
	for _, w := range c.wrote {
		o, ok := c.seen.Get(w.after.Kind(), w.after.Base().ID)
		if !ok || o == w.before {
			continue
		}
		for _, text := range policy.Cautions(w.before, o, c.seen) {
			c.warn(text)
		}
	}
}

// setWarnings writes the headers; nil is for a change that was never begun.
func (c *call) setWarnings(done *change) {
	if done == nil {
		return
	}
	for i, text := range done.warnings {
		if i == maxWarnings {
			text = fmt.Sprintf("and %d more warnings", len(done.warnings)-maxWarnings)
		}
		c.w.Header().Add(headerWarning, warnPrefix+warnEscape.Replace(text)+`"`)
		if i == maxWarnings {
			return
		}
	}
}

var warnUnescape = strings.NewReplacer(`\\`, `\`, `\"`, `"`)

// warningOf is the sentence of a header that setWarnings wrote.
func warningOf(header string) (string, bool) {
	text, ok := strings.CutPrefix(header, warnPrefix)
	if !ok {
		return "", false
	}
	return warnUnescape.Replace(strings.TrimSuffix(text, `"`)), true
}
