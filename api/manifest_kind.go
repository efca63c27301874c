package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// elsewhere says of kinds of objects that are no documents where they are written.
var elsewhere = map[string]string{
	"Token":      "its secret is answered once, to whoever makes it; POST /v1/tokens does ('conjunct token create')",
	"Rule":       "rules are in the spec of their SecurityGroup",
	"Entry":      "entries are in the spec of their IPSet",
	"IPSetEntry": "entries are in the spec of their IPSet",
}

// kindUnknown refuses a document of no known kind, with the kind that is probably meant.
func kindUnknown(d *document) error {
	if d.APIVersion == versionOwn && elsewhere[d.Kind] != "" {
		return invalid("/kind", "kind-unknown", "no document is of kind %s: %s", d.Kind, elsewhere[d.Kind])
	}
	at := "/kind"
	if slices.ContainsFunc(manifestKinds, func(k manifestKind) bool { return k.name == d.Kind }) {
		at = "/apiVersion"
	}
	return invalid(at, "kind-unknown", "apiVersion %q with kind %q is not known%s; these are: %s",
		d.APIVersion, d.Kind, nearestKind(d.APIVersion, d.Kind), kindWords())
}

// nearestKind names the kind that is called almost so; of several, that of the version that is called almost so.
func nearestKind(version, name string) string {
	const (
		near    = 3   // edits
		longest = 100 // longer than any kind and any version
	)
	if len(name) > longest || len(version) > longest {
		return ""
	}
	best, distance, apart := "", near, 0
	for _, k := range manifestKinds {
		d, a := edits(strings.ToLower(name), strings.ToLower(k.name)), edits(version, k.version)
		if cmp.Or(cmp.Compare(d, distance), cmp.Compare(a, apart)) < 0 && d < len(k.name)/2 {
			best, distance, apart = fmt.Sprintf(" (did you mean apiVersion %q with kind %q?)", k.version, k.name), d, a
		}
	}
	return best
}

func kindWords() string {
	var words []string
	for _, k := range manifestKinds {
		words = append(words, k.version+" "+k.name)
	}
	return strings.Join(words, ", ")
}
