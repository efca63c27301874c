package flows

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"conjunct/policy"
)

// numbering gives each class in use on a host its number. The numbers are a function of the set of classes in use alone: a
// class has the hash of its name, unless a class that sorts before it has that number already, in which case it is hashed
// again with a salt. So a restart gives the same numbers, and two classes never share one.
type numbering[C comparable] struct {
	name  func(C) string // distinct for distinct classes
	hash  func(name string, salt int) uint32
	uses  map[C]int
	given map[C]uint32
	taken map[uint32]C
	// contested counts the classes that do not have the hash of salt 0.
	contested int
}

func newNumbering[C comparable](name func(C) string) *numbering[C] {
	return &numbering[C]{name: name, hash: classHash, uses: map[C]int{}, given: map[C]uint32{}, taken: map[uint32]C{}}
}

// classHash is never 0, which means no class.
func classHash(name string, salt int) uint32 {
	sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(name), uint32(salt)))
	return max(1, binary.BigEndian.Uint32(sum[:4]))
}

// use counts a user of the class. first tells that it was not in use; moved that other classes got other numbers, so that
// every flow of the host has to be looked at.
func (n *numbering[C]) use(c C) (first, moved bool) {
	n.uses[c]++
	if n.uses[c] > 1 {
		return false, false
	}
	number := n.hash(n.name(c), 0)
	if _, clash := n.taken[number]; clash || n.contested > 0 {
		return true, n.renumber()
	}
	n.given[c], n.taken[number] = number, c
	return true, false
}

// release is the opposite of use; last tells that the class is no longer in use.
func (n *numbering[C]) release(c C) (last, moved bool) {
	n.uses[c]--
	if n.uses[c] > 0 {
		return false, false
	}
	delete(n.uses, c)
	if n.contested > 0 {
		return true, n.renumber()
	}
	delete(n.taken, n.given[c])
	delete(n.given, c)
	return true, false
}

// renumber computes all numbers afresh and reports whether that of a class that had one changed.
func (n *numbering[C]) renumber() (moved bool) {
	classes := make([]C, 0, len(n.uses))
	for c := range n.uses {
		classes = append(classes, c)
	}
	slices.SortFunc(classes, func(a, b C) int { return cmp.Compare(n.name(a), n.name(b)) })
	before := n.given
	n.given, n.taken, n.contested = make(map[C]uint32, len(classes)), make(map[uint32]C, len(classes)), 0
	for _, c := range classes {
		salt := 0
		number := n.hash(n.name(c), salt)
		for _, clash := n.taken[number]; clash; _, clash = n.taken[number] {
			salt++
			number = n.hash(n.name(c), salt)
		}
		if salt > 0 {
			n.contested++
		}
		n.given[c], n.taken[number] = number, c
		if was, had := before[c]; had && was != number {
			moved = true
		}
	}
	return moved
}

// number is the class' number, 0 when it is not in use.
func (n *numbering[C]) number(c C) uint32 { return n.given[c] }

func localName(c LocalClass) string {
	flags := byte(0)
	for i, set := range []bool{c.OpenEgress, c.OpenIngress, c.Guard, c.Metadata} {
		if set {
			flags |= 1 << i
		}
	}
	return "local" + string(flags) + string(rune(c.Groups.Len())) + string(c.Groups) + string(c.Ordered)
}

func setName(s policy.NumberSet) string { return "remote" + string(s) }
