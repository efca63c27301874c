package ofeval

import "conjunct/openflow"

// A condition is the mask of one field; value belongs to a rule.
type condition struct {
	slot        openflow.Field
	value, mask value
}

// Conditions are a match in the form that tables are searched by: a field that shares its place with another stands for both.
type Conditions []condition

func (c Conditions) of(slot openflow.Field) condition {
	for _, one := range c {
		if one.slot == slot {
			return one
		}
	}
	return condition{}
}

// Within reports whether every packet that meets c meets the wider conditions too.
func (c Conditions) Within(wider Conditions) bool {
	for _, w := range wider {
		mine := c.of(w.slot)
		if w.mask.andNot(mine.mask) != (value{}) || mine.value.and(w.mask) != w.value {
			return false
		}
	}
	return true
}

// Overlaps reports whether no field is asked to be two things.
func (c Conditions) Overlaps(other Conditions) bool {
	for _, o := range other {
		mine := c.of(o.slot)
		if both := mine.mask.and(o.mask); mine.value.and(both) != o.value.and(both) {
			return false
		}
	}
	return true
}
