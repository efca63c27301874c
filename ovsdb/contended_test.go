package ovsdb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"conjunct/ovsdb"
)

// A guard that fails for ever is told after some tries, and an outcome of any other
// kind at once.
func TestEnsureBridgeGivesUp(t *testing.T) {
	for name, tt := range map[string]struct {
		results string // of each transaction
		tries   int
		want    func(error) bool
	}{
		"guard": {`[{},{"error":"timed out"},null,null,null,null,null,null,null]`, 10,
			func(err error) bool { return errors.Is(err, ovsdb.ErrContended) }},
		"timed out, but no guard": {`[{"error":"timed out"},null,null,null,null,null,null,null,null]`, 1,
			func(err error) bool { return ovsdb.IsKind(err, ovsdb.KindTimedOut) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				tries := 0
				go func() {
					dec := json.NewDecoder(theirs)
					for {
						var request struct {
							Method string
							ID     json.RawMessage
						}
						if dec.Decode(&request) != nil {
							return
						}
						result := `[false,"x",{"Open_vSwitch":{"aaaaaaaa-0000-4000-8000-000000000001":{"initial":{}}}}]`
						if request.Method == "transact" {
							tries++
							result = tt.results
						}
						fmt.Fprintf(theirs, `{"id":%s,"error":null,"result":%s}`, request.ID, result)
					}
				}()
				c, err := ovsdb.NewClient(t.Context(), ovsdb.NewConn(ours, ovsdb.Options{}))
				require.NoError(t, err)
				_, err = c.EnsureBridge(t.Context(), bridgeSpec())
				require.True(t, tt.want(err), "%v", err)
				require.ErrorContains(t, err, "bridge br-int")
				require.NoError(t, c.Close())
				synctest.Wait()
				require.Equal(t, tt.tries, tries)
			})
		})
	}
}
