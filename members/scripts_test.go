package members

import (
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// What each script answers and leaves behind, for each state of a group that it may meet.
func TestScripts(t *testing.T) {
	a, b, v6 := addrs(1, 1)[0], addrs(2, 1)[0], prefix("2001:db8::1/128")
	both := []netip.Prefix{a, v6} // what is there at revision 10 of epoch e1 before each case

	type run func(*writer) *redis.Cmd
	change := func(base, revision int64) run {
		return func(w *writer) *redis.Cmd {
			return w.change(t.Context(), "sg", base, revision, map[netip.Prefix]bool{a: false, b: true})
		}
	}
	replace := func(revision int64, members ...netip.Prefix) run {
		return func(w *writer) *redis.Cmd { return w.replace(t.Context(), "sg", revision, members) }
	}
	remove := func(revision int64) run {
		return func(w *writer) *redis.Cmd { return w.remove(t.Context(), "sg", revision) }
	}
	tamper := func(args ...any) run {
		return func(w *writer) *redis.Cmd { return w.pipe.Do(t.Context(), args...) }
	}
	servers := backends(t)
	was, changed := []string{"10.0.0.1", "2001:db8::1"}, []string{"10.0.0.2", "2001:db8::1"}
	const v4Key, stateKey = "conjunct:{sg}:v4", "conjunct:{sg}:state"

	for _, test := range []struct {
		name    string
		before  run // nil: nothing happened since
		epoch   string
		run     run
		verdict verdict
		members []string
		told    string // what the stream says of it
	}{
		{"change, as expected", nil, "e1", change(10, 12), verdict{"written", 12}, changed, "change sg@12 +10.0.0.2 -10.0.0.1"},
		{"change, made for less", nil, "e1", change(8, 12), verdict{"written", 12}, changed, "change sg@12 +10.0.0.2 -10.0.0.1"},
		{"change, made for more", nil, "e1", change(11, 12), verdict{"stale", 10}, was, ""},
		{"change, made already", nil, "e1", change(9, 10), verdict{"ahead", 10}, was, ""},
		{"change, overtaken", nil, "e1", change(8, 9), verdict{"ahead", 10}, was, ""},
		{"change, of another epoch", nil, "e2", change(10, 12), verdict{"stale", 10}, was, ""},
		{"change, a member lost", tamper("SREM", v4Key, "10.0.0.1"), "e1", change(10, 12), verdict{"stale", 10}, was[1:], ""},
		{"change, a member invented", tamper("SADD", v4Key, "10.6.6.6"), "e1", change(10, 12), verdict{"stale", 10}, []string{"10.0.0.1", "10.6.6.6", "2001:db8::1"}, ""},
		{"change, all lost", tamper("FLUSHALL"), "e1", change(10, 12), verdict{"stale", 0}, nil, ""},
		{"change, state damaged", tamper("HSET", stateKey, "revision", "x"), "e1", change(10, 12), verdict{"stale", 0}, was, ""},

		{"replace", nil, "e1", replace(12, b, v6), verdict{"written", 12}, changed, "change sg@12 +10.0.0.2 -10.0.0.1"},
		{"replace, the same", nil, "e1", replace(12, v6, a, a), verdict{"same", 12}, was, ""},
		{"replace, as many others", nil, "e1", replace(10, b, v6), verdict{"written", 10}, changed, "change sg@10 +10.0.0.2 -10.0.0.1"},
		{"replace, by nothing", nil, "e1", replace(12), verdict{"written", 12}, nil, "change sg@12 -10.0.0.1 2001:db8::1"},
		{"replace, overtaken", nil, "e1", replace(9, b), verdict{"ahead", 10}, was, ""},
		{"replace, overtaken by what is damaged", tamper("DEL", v4Key), "e1", replace(9, b), verdict{"written", 9}, []string{"10.0.0.2"}, "change sg@9 +10.0.0.2 -2001:db8::1"},
		{"replace, of another epoch", nil, "e2", replace(9, a, v6), verdict{"written", 9}, was, "reset sg@9"},
		{"replace, all lost", tamper("FLUSHALL"), "e1", replace(12, a, v6), verdict{"written", 12}, was, "reset sg@12"},
		{"replace, state of another type", tamper("SET", stateKey, "x"), "e1", replace(12, a, v6), verdict{"written", 12}, was, "reset sg@12"},
		{"replace, set of another type", tamper("SET", v4Key, "x"), "e1", replace(12, a, v6), verdict{"written", 12}, was, "change sg@12 +10.0.0.1"},
		{"replace, many", nil, "e1", replace(12, addrs(1, 9000)...), verdict{"written", 12}, textsOf(addrs(1, 9000)), "reset sg@12"},

		{"remove", nil, "e1", remove(12), verdict{"written", 12}, nil, "remove sg@12"},
		{"remove, overtaken", nil, "e1", remove(9), verdict{"ahead", 10}, was, ""},
		{"remove, of another epoch", nil, "e2", remove(9), verdict{"written", 9}, nil, "remove sg@9"},
		{"remove, state lost", tamper("DEL", stateKey), "e1", remove(12), verdict{"written", 12}, nil, "remove sg@12"},
		{"remove, all lost", tamper("FLUSHALL"), "e1", remove(12), verdict{"same", 12}, nil, ""},
	} {
		for backend, client := range servers {
			t.Run(test.name+"/"+backend, func(t *testing.T) {
				require.NoError(t, client.FlushAll(t.Context()).Err())
				scripts, err := loadScripts(t.Context(), client)
				require.NoError(t, err)
				call := func(epoch string, r run) *redis.Cmd {
					w := &writer{pipe: client.Pipeline(), scripts: scripts, epoch: epoch, stream: 1000}
					cmd := r(w)
					_, err := w.pipe.Exec(t.Context())
					require.NoError(t, err)
					return cmd
				}
				call("e1", replace(10, both...))
				if test.before != nil {
					call("", test.before)
				}
				client.Del(t.Context(), changesKey)

				v, err := parseVerdict(call(test.epoch, test.run))
				require.NoError(t, err)
				require.Equal(t, test.verdict, v)
				got, err := mirrored(client)
				require.NoError(t, err)
				require.ElementsMatch(t, test.members, got["sg"])
				var told []string
				if test.told != "" {
					told = []string{test.told}
				}
				require.Equal(t, told, changes(t, client))
				if test.told != "" && v.word == "written" && len(test.members) > 0 {
					n4 := len(client.SMembers(t.Context(), v4Key).Val())
					state := client.HGetAll(t.Context(), stateKey).Val()
					require.Equal(t, test.epoch, state["epoch"])
					require.EqualValues(t, test.verdict.revision, atoi(t, state["revision"]))
					require.EqualValues(t, n4, atoi(t, state["v4"]))
					require.EqualValues(t, len(test.members)-n4, atoi(t, state["v6"]))
				}
			})
		}
	}
}

func TestParseVerdict_RefusesWhatIsNone(t *testing.T) {
	for _, answer := range []any{nil, "written", int64(7), []any{}, []any{"written", int64(1), int64(2)}, []any{"written", "1", int64(2), int64(3)}, []any{int64(1), int64(1), int64(2), int64(3)}} {
		cmd := redis.NewCmd(t.Context())
		cmd.SetVal(answer)
		_, err := parseVerdict(cmd)
		require.Error(t, err, "%v", answer)
	}
}

// backends are the servers that the scripts are tried on: miniredis, and the real one where it is installed.
func backends(t *testing.T) map[string]*redis.Client {
	_, client := mini(t)
	out := map[string]*redis.Client{"miniredis": client}
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Log("not tried on redis-server, which is not installed")
		return out
	}
	out["redis"] = startServer(t).client()
	return out
}

func atoi(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

func textsOf(list []netip.Prefix) (out []string) {
	for _, p := range list {
		out = append(out, memberText(p))
	}
	slices.Sort(out)
	return out
}
