package policy

import (
	"encoding/binary"
	"iter"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// NumberSet is a set of object numbers of one kind, such as the groups that an address is in: immutable, comparable, and
// fit as a map key. Its only form is the numbers ascending, each once, as four bytes big-endian; so two sets are equal
// when their strings are, and the zero value is the empty set. Make one with NumberSetOf, never by conversion.
type NumberSet string

const numberSize = 4

// NumberSetOf makes the set of the numbers, in whatever order and however often they are given.
func NumberSetOf(numbers ...Number) NumberSet {
	if !sort.SliceIsSorted(numbers, func(i, j int) bool { return numbers[i] < numbers[j] }) {
		numbers = slices.Clone(numbers)
		slices.Sort(numbers)
	}
	b := make([]byte, 0, len(numbers)*numberSize)
	for i, n := range numbers {
		if i == 0 || n != numbers[i-1] {
			b = appendNumber(b, n)
		}
	}
	return NumberSet(b)
}

func appendNumber(b []byte, n Number) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) }

// Len counts the numbers in the set.
func (s NumberSet) Len() int { return len(s) / numberSize }

// at returns the i-th smallest number.
func (s NumberSet) at(i int) Number {
	i *= numberSize
	return Number(s[i])<<24 | Number(s[i+1])<<16 | Number(s[i+2])<<8 | Number(s[i+3])
}

// search finds where n stands or would stand.
func (s NumberSet) search(n Number) (i int, found bool) {
	return sort.Find(s.Len(), func(i int) int {
		switch at := s.at(i); {
		case n < at:
			return -1
		case n > at:
			return 1
		}
		return 0
	})
}

// Contains reports whether n is in the set.
func (s NumberSet) Contains(n Number) bool {
	_, found := s.search(n)
	return found
}

// With is the set and n.
func (s NumberSet) With(n Number) NumberSet {
	i, found := s.search(n)
	if found {
		return s
	}
	b := make([]byte, 0, len(s)+numberSize)
	b = append(b, s[:i*numberSize]...)
	b = appendNumber(b, n)
	return NumberSet(append(b, s[i*numberSize:]...))
}

// Without is the set without n.
func (s NumberSet) Without(n Number) NumberSet {
	i, found := s.search(n)
	if !found {
		return s
	}
	return s[:i*numberSize] + s[(i+1)*numberSize:]
}

// Union is what is in either set.
func (s NumberSet) Union(t NumberSet) NumberSet {
	switch {
	case t == "" || s == t:
		return s
	case s == "":
		return t
	}
	b := make([]byte, 0, len(s)+len(t))
	for s != "" && t != "" {
		a, c := s.at(0), t.at(0)
		b = appendNumber(b, min(a, c))
		if a <= c {
			s = s[numberSize:]
		}
		if c <= a {
			t = t[numberSize:]
		}
	}
	b = append(b, s...)
	return NumberSet(append(b, t...))
}

// Intersect is what is in both sets.
func (s NumberSet) Intersect(t NumberSet) NumberSet {
	if s == t {
		return s
	}
	var b []byte
	for s != "" && t != "" {
		a, c := s.at(0), t.at(0)
		if a == c {
			b = appendNumber(b, a)
		}
		if a <= c {
			s = s[numberSize:]
		}
		if c <= a {
			t = t[numberSize:]
		}
	}
	return NumberSet(b)
}

// All iterates the numbers, ascending.
func (s NumberSet) All() iter.Seq[Number] {
	return func(yield func(Number) bool) {
		for i := range s.Len() {
			if !yield(s.at(i)) {
				return
			}
		}
	}
}

// String prints the set as {1, 5, 9}.
func (s NumberSet) String() string {
	words := make([]string, 0, s.Len())
	for n := range s.All() {
		words = append(words, strconv.FormatUint(uint64(n), 10))
	}
	return "{" + strings.Join(words, ", ") + "}"
}
