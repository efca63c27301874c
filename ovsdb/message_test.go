package ovsdb

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMessages(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		refusal    string // of the reply, "" for none
	}{
		{"request", `{"method":"echo","params":[1],"id":"x"}`, ""},
		{"notification", `{"method":"update","params":[],"id":null}`, ""},
		{"reply", `{"result":[],"error":null,"id":1}`, ""},
		{"reply without error", `{"result":[],"id":1}`, ""},
		{"refusal as a string", `{"error":"unknown method","id":1}`, "ovsdb: call: unknown method"},
		{"refusal", `{"result":null,"error":{"error":"unknown database","details":"no x"},"id":1}`, "ovsdb: call: unknown database: no x"},
		{"refusal without a name", `{"error":{"details":"x"},"id":1}`, "error without a name"},
		{"refusal of no form", `{"error":7,"id":1}`, "malformed stream"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := decodeMessage([]byte(tt.text))
			require.NoError(t, err)
			if err := m.refusal("call"); tt.refusal == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.refusal)
			}
		})
	}
}

func TestMessagesRefused(t *testing.T) {
	for _, text := range []string{
		`{}`, `{"params":[]}`, `{"method":7,"params":[]}`, `{"method":"echo"}`,
		`{"method":"echo","params":{}}`, `{"method":"echo","params":null}`, `{"id":1`, `{"id":}`,
	} {
		_, err := decodeMessage([]byte(text))
		require.ErrorIs(t, err, errFrame, "%s", text)
	}
}

func FuzzDecodeMessage(f *testing.F) {
	f.Add([]byte(`{"method":"echo","params":[1],"id":"x"}`))
	f.Add([]byte(`{"error":{"error":"x","details":"y"},"id":1}`))
	f.Add([]byte(`{"error":"x","id":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMessage(data)
		if err != nil {
			return
		}
		require.True(t, m.Method != nil || m.ID != nil)
		if err := m.refusal("call"); err == nil {
			require.True(t, isNull(m.Error))
		}
	})
}
