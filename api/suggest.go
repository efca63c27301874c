package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// didYouMean names the field that is nearest to a name that is none, if one is near.
func didYouMean(name string, fields map[string][]int) string {
	const (
		near    = 2  // edits
		longest = 40 // longer than any field
	)
	if len(name) > longest {
		return ""
	}
	best, distance := "", near+1
	for _, known := range slices.Sorted(maps.Keys(fields)) {
		if d := edits(strings.ToLower(strings.ReplaceAll(name, "-", "_")), known); d < distance && d < len(known) {
			best, distance = known, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// edits counts the insertions, deletions, replacements and swaps of neighbours that make b of a (optimal string alignment).
func edits(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range b {
		d[0][j+1] = j + 1
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
