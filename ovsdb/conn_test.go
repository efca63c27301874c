package ovsdb_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"conjunct/ovsdb"
	"conjunct/ovsdb/ovsdbtest"
)

func TestCalls(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := testContext(t)
		for _, address := range []string{w.unix, w.tcp} {
			conn, err := ovsdb.DialConn(ctx, address, ovsdb.Options{})
			require.NoError(t, err)
			require.NoError(t, conn.Echo(ctx))
			names, err := conn.Databases(ctx)
			require.NoError(t, err)
			require.Contains(t, names, "Open_vSwitch")
			require.Empty(t, conn.PeerNames())
			require.False(t, conn.IsPeer(""))
			_, err = conn.Call(ctx, "no_such_method")
			require.True(t, ovsdb.IsKind(err, ovsdb.KindUnknownMethod), "%v", err)
			_, err = conn.Call(ctx, "get_schema", "No_such_DB")
			require.True(t, ovsdb.IsKind(err, ovsdb.KindUnknownDB), "%v", err)
			require.NoError(t, conn.Err())
			require.NoError(t, conn.Close())
			require.ErrorIs(t, conn.Err(), ovsdb.ErrClosed)
			require.ErrorIs(t, conn.Echo(ctx), ovsdb.ErrClosed)
		}
	})
}

func TestRefusalsNameOperationAndTable(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := testContext(t)
		c := w.dial(t)
		_, err := c.Transact(ctx,
			ovsdb.Select{Table: "Port", Columns: []string{"name"}},
			ovsdb.Insert{Table: "Bridge", Row: ovsdb.Row{"nme": ovsdb.String("x")}})
		var refusal *ovsdb.Error
		require.ErrorAs(t, err, &refusal)
		refusal.Details = ""
		require.Equal(t, &ovsdb.Error{Op: "insert", Table: "Bridge", Index: 1, Kind: ovsdb.KindUnknownColumn}, refusal)

		_, err = c.Transact(ctx, ovsdb.Insert{Table: "Open_vSwitch"})
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, "commit", refusal.Op)
		require.Equal(t, ovsdb.KindConstraint, refusal.Kind)
	})
}

// Calls from many goroutines get their own answers.
func TestConcurrentCalls(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := w.dial(t)
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				raw, err := c.Call(testContext(t), "echo", i)
				assert.NoError(t, err)
				var back []int
				assert.NoError(t, json.Unmarshal(raw, &back))
				assert.Equal(t, []int{i}, back)
			})
		}
		all.Wait()
	})
}

// A connection that ends fails what is pending, with a sentinel.
func TestPendingCallsFail(t *testing.T) {
	s := ovsdbtest.New("hv1")
	defer s.Close()
	conn := ovsdb.NewConn(s.Pipe(), ovsdb.Options{})
	defer conn.Close()
	require.NoError(t, conn.Echo(testContext(t)))
	s.Mute(true)
	const calls = 10
	failed := make(chan error, calls)
	for range calls {
		go func() {
			_, err := conn.Transact(testContext(t), ovsdb.Select{Table: "Bridge"})
			failed <- err
		}()
	}
	time.AfterFunc(10*time.Millisecond, s.Drop)
	for range calls {
		err := <-failed
		require.ErrorIs(t, err, ovsdb.ErrClosed)
		require.ErrorContains(t, err, "transact")
	}
	<-conn.Done()
}

func TestCallEndsWithItsContext(t *testing.T) {
	s := ovsdbtest.New("hv1")
	defer s.Close()
	conn := ovsdb.NewConn(s.Pipe(), ovsdb.Options{})
	defer conn.Close()
	s.Mute(true)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(testContext(t))
	time.AfterFunc(10*time.Millisecond, func() { cancel(cause) })
	require.ErrorIs(t, conn.Echo(ctx), cause)
	require.ErrorIs(t, conn.Echo(ctx), cause, "also one that is not sent")
	require.NoError(t, conn.Err(), "the connection is none the worse")
	s.Mute(false)
	require.NoError(t, conn.Echo(testContext(t)))
}

func TestWeAnswerEcho(t *testing.T) {
	s := ovsdbtest.New("hv1")
	defer s.Close()
	c, err := ovsdb.NewClient(testContext(t), ovsdb.NewConn(s.Pipe(), ovsdb.Options{}))
	require.NoError(t, err)
	defer c.Close()
	for range 3 {
		require.NoError(t, s.Probe(testContext(t)))
	}
}

// A silent peer is probed; one that answers lives, one that doesn't is given up.
func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ovsdbtest.New("hv1")
		defer s.Close()
		conn := ovsdb.NewConn(s.Pipe(), ovsdb.Options{Probe: 5 * time.Second})
		defer conn.Close()
		time.Sleep(time.Hour)
		synctest.Wait()
		require.NoError(t, conn.Err())

		s.Mute(true)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		require.NoError(t, conn.Err())
		time.Sleep(7 * time.Second)
		synctest.Wait()
		require.ErrorIs(t, conn.Err(), ovsdb.ErrClosed)
		require.ErrorContains(t, conn.Err(), "no answer to echo")
	})
}

// A peer that takes no data is given up, too, and whoever waits to send is told.
func TestStuckWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		conn := ovsdb.NewConn(ours, ovsdb.Options{Probe: 5 * time.Second})
		defer conn.Close()
		require.ErrorIs(t, conn.Echo(t.Context()), ovsdb.ErrClosed)
	})
}

// A long message on a slow line is no silence.
func TestSlowLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		conn := ovsdb.NewConn(ours, ovsdb.Options{Probe: 5 * time.Second})
		defer conn.Close()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		for _, b := range []byte(`{"method":"x","params":[],"id":null}`) {
			time.Sleep(4 * time.Second)
			_, err := theirs.Write([]byte{b})
			require.NoError(t, err)
		}
		synctest.Wait()
		require.NoError(t, conn.Err())
	})
}

// What isn't the protocol ends the connection.
func TestMalformedStreams(t *testing.T) {
	for name, stream := range map[string]string{
		"HTTP":                  "HTTP/1.1 400 Bad Request\r\n",
		"array":                 "[]",
		"neither":               "{}",
		"broken":                `{"id":}`,
		"params":                `{"method":"echo","params":{},"id":1}`,
		"too long":              `{"id":"` + strings.Repeat("x", 2000),
		"cut":                   `{"id":`,
		"canceled":              `{"method":"monitor_canceled","params":["conjunct"],"id":null}`,
		"update of nothing":     `{"method":"update3","params":[],"id":null}`,
		"update out of nowhere": `{"method":"update3","params":["conjunct","x",{"Bridge":{"aaaaaaaa-0000-4000-8000-000000000001":{"modify":{}}}}],"id":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := net.Pipe()
			go func() {
				// Answer the monitor, then say it.
				var request struct{ ID json.RawMessage }
				_ = json.NewDecoder(theirs).Decode(&request)
				_, _ = io.WriteString(theirs, `{"id":`+string(request.ID)+`,"error":null,"result":[false,"x",{}]}`+stream)
				_ = theirs.Close()
			}()
			c, err := ovsdb.NewClient(testContext(t), ovsdb.NewConn(ours, ovsdb.Options{MaxMessage: 1000}))
			if err == nil {
				<-c.Done()
				err = c.Err()
				require.NoError(t, c.Close())
			}
			require.ErrorIs(t, err, ovsdb.ErrClosed)
			require.NotEqual(t, ovsdb.ErrClosed.Error(), err.Error(), "the cause is told")
		})
	}
}

// Requests other than echo are refused; a peer that floods us with echoes and reads no
// answer is cut off rather than remembered.
func TestPeerRequests(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	conn := ovsdb.NewConn(ours, ovsdb.Options{})
	defer conn.Close()
	dec := json.NewDecoder(theirs)
	_, err := io.WriteString(theirs, `{"method":"transact","params":[],"id":7}`)
	require.NoError(t, err)
	var reply map[string]any
	require.NoError(t, dec.Decode(&reply))
	require.Equal(t, map[string]any{"id": 7.0, "error": "unknown method", "result": nil}, reply)

	_, err = io.WriteString(theirs, `{"method":"echo","params":["a",1],"id":"x"}`)
	require.NoError(t, err)
	require.NoError(t, dec.Decode(&reply))
	require.Equal(t, map[string]any{"id": "x", "error": nil, "result": []any{"a", 1.0}}, reply)

	for err == nil {
		_, err = io.WriteString(theirs, `{"method":"echo","params":[],"id":"x"}`)
	}
	<-conn.Done()
	require.ErrorContains(t, conn.Err(), "reads no replies")
}
