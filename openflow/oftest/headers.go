package oftest

import (
	"encoding/binary"

	"conjunct/openflow"
)

// Headers follows the messages of one direction of a connection without keeping them. The zero Headers is at the beginning of a
// message.
type Headers struct {
	head [openflow.HeaderLen]byte
	have int // of the header
	skip int // of the body
}

// Feed takes the bytes that come next, however they are cut, and calls each for every header that is complete.
func (s *Headers) Feed(b []byte, each func(openflow.MsgType)) {
	for len(b) > 0 {
		if s.skip > 0 {
			n := min(s.skip, len(b))
			s.skip, b = s.skip-n, b[n:]
			continue
		}
		n := copy(s.head[s.have:], b)
		s.have, b = s.have+n, b[n:]
		if s.have == len(s.head) {
			s.have, s.skip = 0, max(0, int(binary.BigEndian.Uint16(s.head[2:]))-openflow.HeaderLen)
			each(openflow.MsgType(s.head[1]))
		}
	}
}
