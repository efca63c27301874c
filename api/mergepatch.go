package api

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// mergeInto applies a JSON merge patch (RFC 7396) to the wire form of an object and returns the document of the result.
// parts names the field of what belongs to the object: it is in the result only when the patch has it, so that
// a patch without it leaves it alone.
//
// One field departs from the RFC: a remote is exactly one of several things, so that a patch that names one replaces what was
// named, and a patch that empties it is refused, where the RFC would leave {}: anywhere. A patch that takes the remote itself away
// says so: the rule is then as one that is created without.
func mergeInto(current any, patch []byte, parts string) ([]byte, error) {
	doc, err := json.Marshal(current)
	if err != nil {
		return nil, fmt.Errorf("encode the present object: %w", err)
	}
	var base map[string]json.RawMessage
	if err := json.Unmarshal(doc, &base); err != nil {
		return nil, fmt.Errorf("read the present object: %w", err)
	}
	delete(base, parts)
	changes, ok := members(patch)
	if !ok {
		return nil, fail(http.StatusBadRequest, "", "a merge patch is a JSON object, found %s", typeOfJSON(patch))
	}
	if name, ok := repeated(changes); ok {
		return nil, invalid("/"+escapePointer(name), "repeated-field", "%q is given more than once", name)
	}
	for _, m := range changes {
		if m.name == "remote" && string(m.value) == "null" {
			delete(base, m.name)
			continue
		}
		merged, err := mergeMember(base[m.name], m)
		if err != nil {
			return nil, err
		}
		base[m.name] = merged
	}
	return json.Marshal(base)
}

func mergeMember(current json.RawMessage, m member) (json.RawMessage, error) {
	inner, isObject := members(m.value)
	if !isObject { // Null too: absent and null are the same to the decoder, but for what it refuses.
		return m.value, nil
	}
	if name, ok := repeated(inner); ok {
		return nil, invalid("/"+escapePointer(m.name)+"/"+escapePointer(name), "repeated-field", "%q is given more than once", name)
	}
	merged := make(map[string]json.RawMessage)
	if m.name != "remote" {
		_ = json.Unmarshal(current, &merged) // What is not an object there is replaced.
	}
	taken := false
	for _, one := range inner {
		if string(one.value) == "null" {
			delete(merged, one.name)
			taken = true
			continue
		}
		merged[one.name] = one.value
	}
	if m.name == "remote" && len(merged) == 0 {
		if taken {
			return nil, invalid("/remote", "value-required", `nothing would be left of the remote; give {"any": true}, or null for the remote, if anywhere is meant`)
		}
		return current, nil
	}
	return json.Marshal(merged)
}

func repeated(all []member) (string, bool) {
	seen := make(map[string]bool, len(all))
	for _, m := range all {
		if seen[m.name] {
			return m.name, true
		}
		seen[m.name] = true
	}
	return "", false
}
