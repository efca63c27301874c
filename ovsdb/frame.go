package ovsdb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Bounds of what a peer may send. A hypervisor's whole monitored database is a few
// hundred kilobytes; nothing legal nests deeper than the schema does (about 10).
const (
	// MaxMessage is the default limit for one JSON-RPC message, in bytes.
	MaxMessage = 64 << 20
	maxDepth   = 64
)

// errFrame is wrapped in errors about a stream that is not a sequence of JSON objects.
var errFrame = errors.New("ovsdb: malformed stream")

// A framer splits a stream into the JSON objects that RFC 7047 puts one after the
// other without a delimiter. It looks at brackets and strings only, so that size and
// depth are bounded before anything is parsed.
type framer struct {
	r   *bufio.Reader
	max int
}

func newFramer(r io.Reader, max int) *framer {
	return &framer{r: bufio.NewReaderSize(r, 8<<10), max: max}
}

// next returns the bytes of one object. io.EOF means that the stream ended between
// two objects.
func (f *framer) next() ([]byte, error) {
	if err := f.skipSpace(); err != nil {
		return nil, err
	}
	var (
		frame             []byte
		depth             int
		quoted, backslash bool
	)
	for {
		chunk, err := f.peek()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		n, done := 0, false
		for n < len(chunk) && !done {
			c := chunk[n]
			n++
			switch {
			case backslash:
				backslash = false
			case quoted:
				backslash = c == '\\'
				quoted = c != '"'
			case c == '"':
				quoted = true
			case c == '{' || c == '[':
				if depth++; depth > maxDepth {
					return nil, fmt.Errorf("%w: nested deeper than %d", errFrame, maxDepth)
				}
			case c == '}' || c == ']':
				depth--
				done = depth == 0
			}
		}
		if len(frame)+n > f.max {
			return nil, fmt.Errorf("%w: message longer than %d bytes", errFrame, f.max)
		}
		frame = append(frame, chunk[:n]...)
		if _, err := f.r.Discard(n); err != nil {
			return nil, err
		}
		if done {
			return frame, nil
		}
	}
}

// peek returns what is buffered, reading more only if nothing is.
func (f *framer) peek() ([]byte, error) {
	if f.r.Buffered() == 0 {
		if _, err := f.r.Peek(1); err != nil {
			return nil, err
		}
	}
	return f.r.Peek(f.r.Buffered())
}

func (f *framer) skipSpace() error {
	for {
		c, err := f.r.ReadByte()
		if err != nil {
			return err
		}
		switch c {
		case ' ', '\t', '\r', '\n':
		case '{':
			return f.r.UnreadByte()
		default:
			return fmt.Errorf("%w: %q where an object should start", errFrame, c)
		}
	}
}
