package policy

import (
	"fmt"
	"strings"
)

// Direction is seen from the VM: ingress is what others open towards it. (The bridge sees the opposite.)
type Direction string

const (
	Ingress Direction = "ingress"
	Egress  Direction = "egress"
)

// Directions lists both, in the order in which documents and dumps have them.
var Directions = []Direction{Egress, Ingress}

// Reverse is the other direction.
func (d Direction) Reverse() Direction {
	if d == Ingress {
		return Egress
	}
	return Ingress
}

var directionWords = map[string]Direction{
	"ingress": Ingress, "in": Ingress, "inbound": Ingress,
	"egress": Egress, "out": Egress, "outbound": Egress,
}

// UnmarshalText takes the three vocabularies in use (ingress, in, inbound) in any case and keeps one.
func (d *Direction) UnmarshalText(b []byte) error {
	v, ok := directionWords[strings.ToLower(string(b))]
	if !ok {
		return fmt.Errorf("%q is not a direction; use ingress or egress", b)
	}
	*d = v
	return nil
}
