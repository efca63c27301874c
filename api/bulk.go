package api

import (
	"bufio"
	"bytes"
	"strings"

	"conjunct/policy"
)

// BulkResult says what became of each line. Lines count from 1; in a JSON list, items do.
type BulkResult struct {
	Added   []Entry    `json:"added"`
	Skipped []BulkLine `json:"skipped"` // what the set has already
	Invalid []BulkLine `json:"invalid"`
}

// BulkRemoval says what became of each line. Lines count as in BulkResult.
type BulkRemoval struct {
	Removed []Entry    `json:"removed"`
	Skipped []BulkLine `json:"skipped"` // what the set does not have
	Invalid []BulkLine `json:"invalid"`
}

// BulkLine is a line that changed nothing, and why.
type BulkLine struct {
	Line    int    `json:"line"`
	Value   string `json:"value"`
	Message string `json:"message"`
}

type bulkLine struct {
	number             int
	id                 string // of the entry, should there be one
	value, description string
}

type bulkRequest struct {
	Entries []bulkItem `json:"entries"`
}

type bulkItem struct {
	CIDR        string `json:"cidr"`
	Description string `json:"description"`
}

// bulkEntries adds many entries at once: what is valid is added, what is there already is skipped, the rest is reported.
func (c *call) bulkEntries() error {
	lines, err := c.bulkBody()
	if err != nil {
		return err
	}
	id := policy.IPSetID(c.variable("id"))
	var result *BulkResult
	return c.mutate(mutation{
		apply: func(ch *change) (err error) {
			result, err = ch.addEntries(id, lines)
			return err
		},
		answer: func(rd *reader) (any, error) {
			for i, e := range result.Added { // With the times and the revision that they got.
				if stored, ok := policy.Find[*policy.Entry](rd.snapshot, e.ID); ok {
					result.Added[i] = *stored
				}
			}
			return result, nil
		},
	})
}

// removeEntries removes many entries at once: those that the set has; the rest is reported.
func (c *call) removeEntries() error {
	lines, err := c.bulkBody()
	if err != nil {
		return err
	}
	id := policy.IPSetID(c.variable("id"))
	var result *BulkRemoval
	return c.mutate(mutation{
		apply: func(ch *change) (err error) {
			result, err = ch.removeEntries(id, lines)
			return err
		},
		answer: func(*reader) (any, error) { return result, nil },
	})
}

// bulkBody reads entries as JSON, or as text with one a line.
func (c *call) bulkBody() ([]bulkLine, error) {
	doc, mediaType, err := c.body(typeJSON, typeText)
	if err != nil {
		return nil, err
	}
	if mediaType == typeText {
		return bulkLines(doc), nil
	}
	return bulkItems(doc)
}

func bulkItems(doc []byte) ([]bulkLine, error) {
	var in bulkRequest
	if err := decodeStrict(doc, &in); err != nil {
		return nil, err
	}
	if in.Entries == nil {
		return nil, invalid("/entries", "required", "a list of entries is required")
	}
	out := make([]bulkLine, 0, len(in.Entries))
	for i, e := range in.Entries {
		out = append(out, bulkLine{number: i + 1, id: policy.NewID(policy.KindEntry), value: e.CIDR, description: e.Description})
	}
	return out, nil
}

// bulkLines reads text: one address or CIDR a line, a description after it if wanted. Empty lines and what follows a # at the
// beginning of a line or after a space are left out.
func bulkLines(doc []byte) (out []bulkLine) {
	lines := bufio.NewScanner(bytes.NewReader(doc))
	lines.Buffer(nil, len(doc)+1)
	for number := 1; lines.Scan(); number++ {
		text := strings.TrimSpace(lines.Text())
		if i := strings.IndexByte(text, '#'); i == 0 || i > 0 && (text[i-1] == ' ' || text[i-1] == '\t') {
			text = strings.TrimSpace(text[:i])
		}
		if text == "" {
			continue
		}
		value, description := text, ""
		if i := strings.IndexAny(text, " \t"); i > 0 {
			value, description = text[:i], strings.TrimSpace(text[i:])
		}
		out = append(out, bulkLine{number: number, id: policy.NewID(policy.KindEntry), value: value, description: description})
	}
	return out
}
