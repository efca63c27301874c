package members

import (
	"context"
	_ "embed" // of the scripts
	"fmt"
	"net/netip"
	"slices"

	"github.com/redis/go-redis/v9"

	"conjunct/policy"
)

// A script is one transaction to Redis, as MULTI is, and can besides look before it writes: a change is made only to the
// sets that it was computed for, and not to what is left of them after Redis lost something.
var (
	//go:embed change.lua
	changeScript string
	//go:embed replace.lua
	replaceScript string
	//go:embed remove.lua
	removeScript string
)

// scripts are the three as Redis calls them: by the hash that it gave.
type scripts struct{ change, replace, remove string }

func loadScripts(ctx context.Context, c redis.Scripter) (s scripts, err error) {
	for _, load := range []struct {
		into *string
		text string
	}{{&s.change, changeScript}, {&s.replace, replaceScript}, {&s.remove, removeScript}} {
		if *load.into, err = c.ScriptLoad(ctx, load.text).Result(); err != nil {
			return s, fmt.Errorf("load script: %w", err)
		}
	}
	return s, nil
}

// verdict is what a script says of the group it was called for.
type verdict struct {
	word     string // written, same, ahead, stale
	revision int64  // of what is there
}

func parseVerdict(cmd *redis.Cmd) (verdict, error) {
	answer, err := cmd.Slice()
	if err != nil {
		return verdict{}, err
	}
	if len(answer) == 4 {
		word, isString := answer[0].(string)
		revision, isInt := answer[1].(int64)
		if isString && isInt {
			return verdict{word, revision}, nil
		}
	}
	return verdict{}, fmt.Errorf("script answered %v", answer)
}

// writer puts script calls into a pipeline.
type writer struct {
	pipe    redis.Pipeliner
	scripts scripts
	epoch   string
	stream  int64 // entries that the stream keeps, about
}

// listLimit is how many members a stream entry names before it says reset instead.
const listLimit = 500

func (w *writer) change(ctx context.Context, g policy.GroupID, base, revision int64, changes map[netip.Prefix]bool) *redis.Cmd {
	var lists [4][]any // v4 that come, v4 that leave, v6 that come, v6 that leave
	for p, isMember := range changes {
		i := 0
		if !p.Addr().Is4() {
			i = 2
		}
		if !isMember {
			i++
		}
		lists[i] = append(lists[i], memberText(p))
	}
	args := []any{w.epoch, base, revision, w.stream, listLimit}
	for _, l := range lists {
		args = append(args, len(l))
	}
	for _, l := range lists {
		args = append(args, l...)
	}
	return w.pipe.EvalSha(ctx, w.scripts.change, []string{stateKey(g), MemberKey(g, 4), MemberKey(g, 6), changesKey}, args...)
}

func (w *writer) replace(ctx context.Context, g policy.GroupID, revision int64, members []netip.Prefix) *redis.Cmd {
	members = slices.Clone(members)
	slices.SortFunc(members, netip.Prefix.Compare) // all v4 before all v6
	members = slices.Compact(members)
	args := make([]any, 5, 5+len(members))
	n4 := 0
	for _, p := range members {
		if p.Addr().Is4() {
			n4++
		}
		args = append(args, memberText(p))
	}
	copy(args, []any{w.epoch, revision, w.stream, listLimit, n4})
	return w.pipe.EvalSha(ctx, w.scripts.replace, w.keys(g), args...)
}

func (w *writer) remove(ctx context.Context, g policy.GroupID, revision int64) *redis.Cmd {
	return w.pipe.EvalSha(ctx, w.scripts.remove, w.keys(g), w.epoch, revision, w.stream)
}

func (w *writer) keys(g policy.GroupID) []string {
	return []string{stateKey(g), MemberKey(g, 4), MemberKey(g, 6), nextKey(g), changesKey}
}
