package openflow

import "math/bits"

// Hello opens a connection (OpenFlow 1.5.1, 7.5.1).
type Hello struct {
	// Versions is a bitmap: bit n says that version n of the wire is spoken, 6 for OpenFlow 1.5.
	Versions uint32
}

// HelloVersions15 is the bitmap of a speaker of OpenFlow 1.5 alone.
const HelloVersions15 = 1 << Version

// Type returns TypeHello.
func (Hello) Type() MsgType { return TypeHello }

// helloBitmap is the type of the element that carries the bitmap (OFPHET_VERSIONBITMAP).
const helloBitmap = 1

func (m Hello) appendBody(b []byte, _ uint32) ([]byte, error) {
	return put32(put16(put16(b, helloBitmap), 8), m.Versions), nil
}

// decodeHello understands a hello without bitmap as one of all versions up to the header's, as the standard says.
func decodeHello(h Header, r *reader) Message {
	m := Hello{Versions: ^uint32(0) >> (31 - min(h.Version, 31)) &^ 1}
	for r.more() {
		kind, n := r.u16("hello element"), int(r.u16("hello element"))
		if n < 4 {
			r.fail(ErrBadLen, "hello element")
			break
		}
		e := r.sub(n-4, "hello element")
		if kind == helloBitmap && r.err == nil {
			m.Versions = e.u32("hello bitmap")
		}
		if e.err != nil {
			r.fail(ErrBadLen, "hello bitmap")
		}
		r.bytes(min(-n&7, len(r.b)), "hello padding")
	}
	return m
}

// Common returns the highest version that both sides speak, 0 when there is none.
func (m Hello) Common(other Hello) uint8 {
	if both := m.Versions & other.Versions; both != 0 {
		return uint8(31 - bits.LeadingZeros32(both))
	}
	return 0
}
