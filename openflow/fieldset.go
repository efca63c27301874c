package openflow

// A fieldSet collects conditions on their way to a Match, sorted by Field, one a field.
type fieldSet struct {
	n     int
	first [20]MatchField // room for nearly every match, so that building one allocates only its string
	more  []MatchField   // all conditions, once there are more than fit in first
}

func (s *fieldSet) all() []MatchField {
	if s.more != nil {
		return s.more
	}
	return s.first[:s.n]
}

// find returns the place of f, and whether the set has it.
func (s *fieldSet) find(f Field) (int, bool) {
	all := s.all()
	for i := range all {
		if all[i].Field >= f {
			return i, all[i].Field == f
		}
	}
	return len(all), false
}

// has reports whether the set has a condition on f or, for a view of registers, on one of them.
func (s *fieldSet) has(f Field) bool {
	if r, n := f.registers(); n > 0 {
		for i := range Field(n) {
			if _, ok := s.find(r + i); ok {
				return true
			}
		}
		return false
	}
	_, ok := s.find(f)
	return ok
}

// put replaces what the set says about the field; an empty mask removes it.
func (s *fieldSet) put(m MatchField) {
	if r, n := m.Field.registers(); n > 0 {
		for i := n - 1; i >= 0; i-- {
			s.put(MatchField{r + Field(i), m.Value.And(lowBits(32)), m.Mask.And(lowBits(32))})
			m.Value, m.Mask = m.Value.shiftRight(32), m.Mask.shiftRight(32)
		}
		return
	}
	if m.Field == InPortNXM && !m.Mask.IsZero() {
		m = Exact(InPort, uint64(portFrom16(uint16(m.Value.Uint64()))))
	}
	m.Mask = m.Mask.And(m.Field.mask())
	m.Value = m.Value.And(m.Mask)
	i, found := s.find(m.Field)
	switch {
	case found && m.Mask.IsZero():
		s.remove(i)
	case found:
		s.all()[i] = m
	case !m.Mask.IsZero():
		s.insert(i, m)
	}
}

func (s *fieldSet) remove(i int) {
	all := s.all()
	copy(all[i:], all[i+1:])
	if s.more != nil {
		s.more = s.more[:len(s.more)-1]
	} else {
		s.n--
	}
}

func (s *fieldSet) insert(i int, m MatchField) {
	if s.more == nil && s.n == len(s.first) {
		s.more = append([]MatchField(nil), s.first[:]...)
	}
	if s.more != nil {
		s.more = append(s.more, MatchField{})
	} else {
		s.n++
	}
	all := s.all()
	copy(all[i+1:], all[i:])
	all[i] = m
}

// match writes the set as a Match, with raw TLVs at its end.
func (s *fieldSet) match(raw string) Match {
	var room [512]byte
	b := room[:0]
	all := s.all()
	for i := 0; i < len(all); i++ {
		m := all[i]
		if m.Field < Reg0 || m.Field > Reg15 {
			b = appendOXM(b, m.Field, m.Value, m.Mask)
			continue
		}
		pair := (m.Field - Reg0) / 2
		value, mask := m.Value, m.Mask
		if (m.Field-Reg0)%2 == 0 {
			value, mask = value.shiftLeft(32), mask.shiftLeft(32)
			if i+1 < len(all) && all[i+1].Field == m.Field+1 {
				i++
				value, mask = value.Or(all[i].Value), mask.Or(all[i].Mask)
			}
		}
		b = appendOXM(b, XReg0+pair, value, mask)
	}
	return Match{oxm: string(append(b, raw...))}
}

// registers returns the first 32-bit register and how many of them f is a view of; 0 when it is none.
func (f Field) registers() (first Field, n int) {
	switch {
	case XReg0 <= f && f <= XReg7:
		return Reg0 + 2*(f-XReg0), 2
	case XXReg0 <= f && f <= XXReg3:
		return Reg0 + 4*(f-XXReg0), 4
	}
	return 0, 0
}
