package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"conjunct/policy"
)

// errUnreadable reports a stored object that this version does not understand in full.
var errUnreadable = errors.New("unreadable object (written by another version of Conjunct?)")

// encode is the stored form of an object: policy's JSON with revision 0, since the revision of the key is the object's.
func encode(o policy.Object) ([]byte, error) {
	if o.Base().Revision != 0 {
		o = o.Clone()
		o.Base().Revision = 0
	}
	b, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", keyOf(o), err)
	}
	return b, nil
}

// decode reads a stored object strictly. A field that this version does not know may forbid what the others allow, so
// that an object with one is refused and never read in part.
func decode(k key, value []byte, revision int64) (policy.Object, error) {
	o := k.kind.New()
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	if err := d.Decode(o); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errUnreadable, k, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: %s: more than one JSON value", errUnreadable, k)
	}
	if o.Base().ID != k.id {
		return nil, fmt.Errorf("%w: %s says that its id is %q", errUnreadable, k, o.Base().ID)
	}
	o.Base().Revision = revision
	return o, nil
}

// same reports whether writing b over a would change nothing. Both carry the same Meta.
func same(a, b policy.Object) (bool, error) {
	x, err := encode(a)
	if err != nil {
		return false, err
	}
	y, err := encode(b)
	return bytes.Equal(x, y), err
}
