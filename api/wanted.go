package api

import (
	"bytes"
	"encoding/json"
)

// wanted is a wire form as a request says it: without what is only reported, and without empty strings, which in a Go value
// stand for fields that nobody set.
func wanted(wire any) any { return sparse{wire} }

type sparse struct{ wire any }

// MarshalJSON leaves out what is not wanted. Maps of names that users choose are left as they are.
func (s sparse) MarshalJSON() ([]byte, error) {
	doc, err := json.Marshal(s.wire)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber() // Numbers pass as they are.
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	prune(v)
	return json.Marshal(v)
}

// chosen are the fields whose members users name.
var chosen = map[string]bool{"tags": true, "tag": true, "limits": true}

func prune(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			prune(item)
		}
	case map[string]any:
		for name, value := range v {
			switch {
			case reportedFields[name] || value == "":
				delete(v, name)
			case !chosen[name]:
				prune(value)
			}
		}
	}
}
