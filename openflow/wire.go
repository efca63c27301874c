package openflow

import "encoding/binary"

// pad8 appends zeros until a structure of n bytes, which ends b, fills a multiple of 8.
func pad8(b []byte, n int) []byte { return zeros(b, -n&7) }

// zeros appends n zero bytes; n must be at most 8.
func zeros(b []byte, n int) []byte {
	var z [8]byte
	return append(b, z[:n]...)
}

func put16(b []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(b, v) }
func put32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }
func put64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

// putLength writes the length of what b holds since start into the two bytes at start+offset.
func putLength(b []byte, start, offset int) {
	binary.BigEndian.PutUint16(b[start+offset:], uint16(len(b)-start))
}

// A reader is a cursor over bytes of the wire that remembers its first error: after it every read returns
// zero, so the caller checks once at the end. It reads neither past its bytes nor, for a structure with a length of its own,
// past that: sub hands out a reader of exactly that many bytes.
type reader struct {
	b     []byte
	err   error
	short ErrorCode // what too few bytes are here; 0 is ErrBadLen
}

// fail records the first error.
func (r *reader) fail(code ErrorCode, what string) {
	if r.err == nil {
		r.err = &DecodeError{What: what, Code: code}
		r.b = nil
	}
}

// more reports whether there is anything left to read.
func (r *reader) more() bool { return r.err == nil && len(r.b) > 0 }

// bytes returns the next n bytes, or nil after an error. The bytes are the message's own: copy to keep.
func (r *reader) bytes(n int, what string) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.b) {
		r.fail(max(r.short, ErrBadLen), what)
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) skip(n int, what string) { r.bytes(n, what) }

func (r *reader) u8(what string) uint8 {
	if p := r.bytes(1, what); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) u16(what string) uint16 {
	if p := r.bytes(2, what); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

func (r *reader) u32(what string) uint32 {
	if p := r.bytes(4, what); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (r *reader) u64(what string) uint64 {
	if p := r.bytes(8, what); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

// sub returns a reader of the next n bytes; it fails itself when there are fewer.
func (r *reader) sub(n int, what string) reader {
	p := r.bytes(n, what)
	return reader{b: p, err: r.err, short: r.short}
}

// rest returns all that is left, copied; nil when that is nothing.
func (r *reader) rest() []byte {
	if !r.more() {
		return nil
	}
	p := append([]byte(nil), r.b...)
	r.b = r.b[len(r.b):]
	return p
}

// join takes over the error of a sub reader, and complains when that has bytes left.
func (r *reader) join(s *reader, what string) {
	switch {
	case r.err != nil:
	case s.err != nil:
		r.err, r.b = s.err, nil
	case len(s.b) > 0:
		r.fail(max(r.short, ErrBadLen), what+": trailing bytes")
	}
}
