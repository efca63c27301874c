package ofconn

import (
	"fmt"
	"net"
	"sync"

	"conjunct/openflow"
)

const (
	smallBuffer = 4 << 10
	largeBuffer = openflow.MaxMessageLen + 1
)

// An inbox cuts the stream of a switch into messages. It survives a time-out of the read: what has come stays.
type inbox struct {
	nc         net.Conn
	rooms      *rooms
	buf        []byte
	start, end int // what has come and was not handed out yet
}

// buffered reports whether next would return without reading.
func (in *inbox) buffered() bool {
	n, err := in.length()
	return err != nil || n > 0 && in.end-in.start >= n
}

// length returns the length of the message at the start, 0 when its header has not come yet.
func (in *inbox) length() (int, error) {
	if in.end-in.start < openflow.HeaderLen {
		return 0, nil
	}
	return openflow.MessageLength(in.buf[in.start:in.end])
}

// next returns the next message whole. The bytes are valid until the next call.
func (in *inbox) next() ([]byte, error) {
	for {
		n, err := in.length()
		if err != nil {
			return nil, fmt.Errorf("follow the stream: %w", err)
		}
		if n > 0 && in.end-in.start >= n {
			m := in.buf[in.start : in.start+n]
			in.start += n
			return m, nil
		}
		in.makeRoom(n)
		got, err := in.nc.Read(in.buf[in.end:])
		in.end += got
		if err != nil && got == 0 {
			return nil, err
		}
	}
}

// makeRoom moves what is left to the front of a buffer that can hold a message of n bytes, and more than a small one
// only while that is of use: a thousand silent switches cost a thousand small buffers.
func (in *inbox) makeRoom(n int) {
	size := smallBuffer
	if n > smallBuffer || in.end == len(in.buf) && in.end > 0 {
		size = largeBuffer
	}
	if left := in.end - in.start; len(in.buf) == size || len(in.buf) > size && left > 0 {
		copy(in.buf, in.buf[in.start:in.end])
	} else {
		b := in.rooms.take(size)
		copy(b, in.buf[in.start:in.end])
		in.rooms.give(in.buf)
		in.buf = b
	}
	in.start, in.end = 0, in.end-in.start
}

// rooms are large buffers that connections lend each other: few need one at a time, and each for a moment.
type rooms struct{ large sync.Pool }

func (r *rooms) take(size int) []byte {
	if size == largeBuffer {
		if b, ok := r.large.Get().(*[]byte); ok {
			return *b
		}
	}
	return make([]byte, size)
}

func (r *rooms) give(b []byte) {
	if len(b) == largeBuffer {
		r.large.Put(&b)
	}
}
