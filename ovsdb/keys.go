package ovsdb

import (
	"maps"
	"slices"
)

// missing are the pairs of want that have lacks or has otherwise.
func missing(have, want map[string]string) map[string]string {
	differing := map[string]string{}
	for key, value := range want {
		if present, ok := have[key]; !ok || present != value {
			differing[key] = value
		}
	}
	return differing
}

// setKeys sets keys of a map column and touches no other. "insert" leaves a key that
// is there as it is (RFC 7047 section 5.1), so it is deleted first.
func setKeys(column string, pairs map[string]string) []Mutation {
	if len(pairs) == 0 {
		return nil
	}
	return []Mutation{
		dropKeys(column, slices.Sorted(maps.Keys(pairs))...),
		{column, "insert", StringMap(pairs)},
	}
}

// dropKeys removes keys of a map column whatever their values.
func dropKeys(column string, keys ...string) Mutation {
	return Mutation{column, "delete", Strings(keys...)}
}

// keysOf names pairs as "column:key", as ovs-vsctl writes them.
func keysOf(column string, pairs map[string]string) []string {
	names := make([]string, 0, len(pairs))
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		names = append(names, column+":"+key)
	}
	return names
}
