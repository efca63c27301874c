package api

import (
	"bytes"
	"encoding/json"
	"fmt"

	"conjunct/policy"
)

// tried is the answer to a dry run: what the change would have been answered, and beside it what it would do to ports.
type tried struct {
	body    any // an object, or nil
	preview *policy.Preview
}

// MarshalJSON puts the preview before the fields of the body.
func (t tried) MarshalJSON() ([]byte, error) {
	preview, err := json.Marshal(t.preview)
	if err != nil {
		return nil, err
	}
	body := []byte("{}")
	if t.body != nil {
		if body, err = json.Marshal(t.body); err != nil {
			return nil, err
		}
	}
	rest, isObject := bytes.CutPrefix(body, []byte("{"))
	if !isObject {
		return nil, fmt.Errorf("a dry run answers with an object, not with %T", t.body)
	}
	out := append([]byte(`{"preview":`), preview...)
	if len(rest) > 1 {
		out = append(out, ',')
	}
	return append(out, rest...), nil
}

// previewOf compares two states, as far as the bearer may see their ports.
func (c *call) previewOf(before, after *policy.Snapshot) *policy.Preview {
	var keep func(*policy.PortView) bool
	if bearer := c.bearer.Bearer(); bearer.IsBound() {
		keep = func(v *policy.PortView) bool { return v.Instance.ProjectID == bearer.Project }
	}
	return policy.PreviewOf(before, after, keep)
}
