package ovsdb

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// frames reads a stream to its end.
func frames(r io.Reader, max int) ([]string, error) {
	f := newFramer(r, max)
	var list []string
	for {
		frame, err := f.next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		list = append(list, string(frame))
	}
}

func TestFrames(t *testing.T) {
	stream := ` {"a":1}{"b":"}{\"]\\"}` + "\n\t\r" + `{"c":[{},[[]]]} `
	want := []string{`{"a":1}`, `{"b":"}{\"]\\"}`, `{"c":[{},[[]]]}`}
	for name, r := range map[string]io.Reader{
		"at once":      strings.NewReader(stream),
		"byte by byte": iotest.OneByteReader(strings.NewReader(stream)),
		"half by half": iotest.HalfReader(strings.NewReader(stream)),
		"data and end": iotest.DataErrReader(strings.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := frames(r, 100)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestFramesRefused(t *testing.T) {
	for _, tt := range []struct {
		name, stream, want string
	}{
		{"no object", `[1]`, "where an object should start"},
		{"garbage", `GET / HTTP/1.1`, "where an object should start"},
		{"between objects", `{},{}`, "where an object should start"},
		{"too deep", `{"a":` + strings.Repeat("[", 100), "nested deeper"},
		{"too long", `{"a":"` + strings.Repeat("x", 100) + `"}`, "longer than"},
		{"too long without an end", `{"a":"` + strings.Repeat("x", 100_000), "longer than"},
		{"cut in an object", `{"a":`, "unexpected EOF"},
		{"cut in a string", `{"a":"}`, "unexpected EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := frames(strings.NewReader(tt.stream), 100)
			require.ErrorContains(t, err, tt.want)
		})
	}
	depth := strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1)
	_, err := frames(strings.NewReader(`{"a":`+depth+`}`), 1000)
	require.NoError(t, err, "the limit itself is allowed")
}

// A longer message than the buffer, cut anywhere, comes out whole.
func TestFramesLargerThanBuffer(t *testing.T) {
	big := `{"a":"` + strings.Repeat(`\"`, 50_000) + `"}`
	got, err := frames(iotest.HalfReader(strings.NewReader(big+big)), MaxMessage)
	require.NoError(t, err)
	require.Equal(t, []string{big, big}, got)
}

// Frames are the stream without the space between them, in bounds.
func FuzzDecodeFrames(f *testing.F) {
	f.Add([]byte(`{"a":1} {"b":["}"]}`))
	f.Add([]byte(`{"a":"\\\""}{`))
	f.Fuzz(func(t *testing.T, data []byte) {
		const max = 256
		list, err := frames(iotest.HalfReader(bytes.NewReader(data)), max)
		rest := string(data)
		for _, frame := range list {
			require.LessOrEqual(t, len(frame), max)
			rest = strings.TrimLeft(rest, " \t\r\n")
			require.True(t, strings.HasPrefix(rest, frame))
			rest = rest[len(frame):]
		}
		if err == nil {
			require.Empty(t, strings.TrimLeft(rest, " \t\r\n"))
		}
	})
}
