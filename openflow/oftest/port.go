package oftest

import (
	"fmt"
	"slices"

	"conjunct/openflow"
)

// AddPorts adds ports named p1, p2, ... by their numbers, with link and up.
func (s *Switch) AddPorts(numbers ...openflow.Port) {
	for _, n := range numbers {
		s.SetPort(openflow.PortDesc{
			Port: n, Name: fmt.Sprintf("p%d", n), MAC: [6]byte{0x02, 0, 0, 0, byte(n >> 8), byte(n)}, State: openflow.PortStateLive,
		})
	}
}

// SetPort adds a port, or changes the one with its number, and tells the controllers.
func (s *Switch) SetPort(p openflow.PortDesc) {
	s.mu.Lock()
	reason := openflow.PortAdded
	if _, ok := s.ports[p.Port]; ok {
		reason = openflow.PortModified
	}
	s.ports[p.Port] = p
	told := s.tell(openflow.PortStatus{Reason: reason, Port: p}, asyncPort, uint(reason))
	s.mu.Unlock()
	flush(told)
}

// RemovePort removes a port, and tells the controllers.
func (s *Switch) RemovePort(number openflow.Port) {
	s.mu.Lock()
	p, ok := s.ports[number]
	delete(s.ports, number)
	var told []*channel
	if ok {
		told = s.tell(openflow.PortStatus{Reason: openflow.PortDeleted, Port: p}, asyncPort, uint(openflow.PortDeleted))
	}
	s.mu.Unlock()
	flush(told)
}

func (s *Switch) portNumbers() []openflow.Port {
	numbers := make([]openflow.Port, 0, len(s.ports))
	for n := range s.ports {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

func (s *Switch) portDescs() []openflow.PortDesc {
	var all []openflow.PortDesc
	for _, n := range s.portNumbers() {
		all = append(all, s.ports[n])
	}
	return all
}
