package policy

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNumberSet_OneFormPerSet(t *testing.T) {
	s := NumberSetOf(7, 1<<31, 3, 7, 3)
	require.Equal(t, NumberSetOf(3, 7, 1<<31), s)
	require.Equal(t, "{3, 7, 2147483648}", s.String())
	require.Equal(t, 3, s.Len())
	require.Equal(t, NumberSet(""), NumberSetOf())
	require.Equal(t, "{}", NumberSetOf().String())
	require.Equal(t, NumberSet(""), NumberSetOf(9).Without(9))
	require.Equal(t, NumberSet(""), NumberSetOf(1, 3).Intersect(NumberSetOf(2, 4)))
}

func TestNumberSet_OfLeavesItsArgumentsAlone(t *testing.T) {
	numbers := []Number{3, 1, 2}
	require.Equal(t, "{1, 2, 3}", NumberSetOf(numbers...).String())
	require.Equal(t, []Number{3, 1, 2}, numbers)
}

func TestNumberSet_AllStopsWhenAsked(t *testing.T) {
	var got []Number
	for n := range NumberSetOf(1, 2, 3).All() {
		got = append(got, n)
		if n == 2 {
			break
		}
	}
	require.Equal(t, []Number{1, 2}, got)
}

// Every operation equals that of a map, and its result has the one form that sets have.
func TestNumberSet_EqualsAMap(t *testing.T) {
	type set = map[Number]bool
	number := rapid.OneOf(rapid.Uint32Range(0, 12), rapid.Uint32())
	draw := func(t *rapid.T, name string) (set, NumberSet) {
		m, list := set{}, []Number{}
		for _, n := range rapid.SliceOfN(number, 0, 10).Draw(t, name) {
			m[Number(n)], list = true, append(list, Number(n))
		}
		return m, NumberSetOf(list...)
	}
	filter := func(m set, keep func(Number) bool) set {
		out := maps.Clone(m)
		maps.DeleteFunc(out, func(n Number, _ bool) bool { return !keep(n) })
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		ma, a := draw(t, "a")
		mb, b := draw(t, "b")
		n := Number(number.Draw(t, "n"))
		equal := func(m set, s NumberSet) {
			t.Helper()
			sorted := slices.Sorted(maps.Keys(m))
			require.Equal(t, sorted, slices.Collect(s.All()))
			require.Equal(t, NumberSetOf(sorted...), s)
			require.Equal(t, len(m), s.Len())
		}
		equal(ma, a)
		require.Equal(t, ma[n], a.Contains(n))
		union := maps.Clone(ma)
		maps.Copy(union, mb)
		equal(union, a.Union(b))
		equal(filter(ma, func(n Number) bool { return mb[n] }), a.Intersect(b))
		equal(filter(ma, func(k Number) bool { return k != n }), a.Without(n))
		with := maps.Clone(ma)
		with[n] = true
		equal(with, a.With(n))
	})
}
