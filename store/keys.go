package store

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"conjunct/policy"
)

// key names an object.
type key struct {
	kind policy.Kind
	id   string
}

func keyOf(o policy.Object) key { return key{o.Kind(), o.Base().ID} }
func (r key) String() string    { return string(r.kind) + "/" + r.id }
func refKey(r policy.Ref) key   { return key{r.Kind, r.ID} }
func isPreset(k key) bool {
	if k.kind != policy.KindProfile { // which is most of them, and is known sooner
		return false
	}
	_, ok := policy.Preset(policy.ProfileName(k.id))
	return ok
}

// layout makes the names of etcd's keys. It is the prefix of all of them and ends with a slash.
type layout string

const (
	classUnique     = "unique/"
	classReference  = "ref/"
	classNumber     = "number/"
	classFence      = "fence/"
	nameHealth      = "health"
	nameGeneration  = "generation"
	longestReadable = 160 // bytes of a unique value that are kept as they are
)

func (l layout) object(k key) string { return string(l) + k.String() }

// unique escapes the value, so that scope and value can't run into each other; a long one is replaced by its digest.
func (l layout) unique(u policy.Unique) string {
	value := url.PathEscape(u.Value)
	if len(value) > longestReadable {
		sum := sha256.Sum256([]byte(u.Value))
		value = "#" + hex.EncodeToString(sum[:]) // PathEscape leaves no # in a value.
	}
	return string(l) + classUnique + u.Scope + "/" + value
}

func (l layout) reference(target, source key) string { return l.holders(target) + source.String() }
func (l layout) holders(target key) string {
	return string(l) + classReference + target.String() + "/"
}
func (l layout) holdersOfKind(target key, source policy.Kind) string {
	return l.holders(target) + string(source) + "/"
}
func (l layout) number(k policy.Kind) string { return string(l) + classNumber + string(k) }
func (l layout) fence(id string) string      { return string(l) + classFence + id }
func (l layout) health() string              { return string(l) + nameHealth }
func (l layout) generation() string          { return string(l) + nameGeneration }

// parseObject tells which object a key of etcd holds; false for index keys and the rest.
func (l layout) parseObject(name string) (key, bool) {
	rest, ok := strings.CutPrefix(name, string(l))
	if !ok {
		return key{}, false
	}
	kind, id, ok := strings.Cut(rest, "/")
	k := key{policy.Kind(kind), id}
	return k, ok && slices.Contains(policy.Kinds(), k.kind)
}

// parseReference is the inverse of reference.
func (l layout) parseReference(name string) (target, source key, ok bool) {
	rest, ok := strings.CutPrefix(name, string(l)+classReference)
	part := strings.Split(rest, "/")
	if !ok || len(part) != 4 {
		return key{}, key{}, false
	}
	return key{policy.Kind(part[0]), part[1]}, key{policy.Kind(part[2]), part[3]}, true
}
