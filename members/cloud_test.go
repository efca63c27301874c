package members

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// cloud is a Source of which a test changes the groups: what the controller's model is to the mirror.
type cloud struct {
	mu       sync.Mutex
	revision int64
	groups   map[policy.GroupID]map[netip.Prefix]bool
	// history is every state that a group ever had, by the revision that brought it; nil: not kept.
	history map[policy.GroupID]map[int64][]string
	mirror  *Mirror // nil: changes go unannounced
}

func newCloud() *cloud {
	return &cloud{revision: 1, groups: map[policy.GroupID]map[netip.Prefix]bool{}}
}

func (c *cloud) Groups(context.Context) (int64, []policy.GroupID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.revision, slices.Collect(maps.Keys(c.groups)), nil
}

func (c *cloud) Members(_ context.Context, g policy.GroupID) (int64, []netip.Prefix, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	members, ok := c.groups[g]
	return c.revision, slices.Collect(maps.Keys(members)), ok, nil
}

// change makes one revision of a group, and the group when there is none.
func (c *cloud) change(g policy.GroupID, adds, removes []netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision++
	if c.groups[g] == nil {
		c.groups[g] = map[netip.Prefix]bool{}
	}
	for _, p := range removes {
		delete(c.groups[g], p)
	}
	for _, p := range adds {
		c.groups[g][p] = true
	}
	c.note(g)
	if c.mirror != nil {
		c.mirror.Offer(Update{Revision: c.revision, Group: g, Adds: adds, Removes: removes})
	}
}

func (c *cloud) delete(g policy.GroupID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision++
	delete(c.groups, g)
	c.note(g)
	if c.mirror != nil {
		c.mirror.Offer(Update{Revision: c.revision, Group: g})
	}
}

func (c *cloud) note(g policy.GroupID) {
	if c.history == nil {
		return
	}
	if c.history[g] == nil {
		c.history[g] = map[int64][]string{}
	}
	c.history[g][c.revision] = texts(c.groups[g])
}

// at is what a group was at a revision.
func (c *cloud) at(g policy.GroupID, revision int64) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var newest int64
	for r := range c.history[g] {
		if r <= revision {
			newest = max(newest, r)
		}
	}
	return c.history[g][newest]
}

func (c *cloud) all() map[policy.GroupID][]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[policy.GroupID][]string{}
	for g, m := range c.groups {
		out[g] = texts(m)
	}
	return out
}

func texts(m map[netip.Prefix]bool) []string {
	out := []string{}
	for p := range m {
		out = append(out, memberText(p))
	}
	slices.Sort(out)
	return out
}

// mirrored is what a reader finds in Redis: members by group, everything that is there and nothing else.
func mirrored(c *redis.Client) (map[policy.GroupID][]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out := map[policy.GroupID][]string{}
	keys, err := c.Keys(ctx, "conjunct:*").Result()
	for _, key := range keys {
		g, ok := groupOfKey(key)
		if !ok || err != nil {
			continue
		}
		if out[g] == nil {
			out[g] = []string{}
		}
		switch _, suffix, _ := strings.Cut(key, "}:"); suffix {
		case "v4", "v6":
			var members []string
			members, err = c.SMembers(ctx, key).Result()
			out[g] = append(out[g], members...)
		case "state":
		default:
			err = fmt.Errorf("unknown key %s", key)
		}
	}
	for _, members := range out {
		slices.Sort(members)
	}
	return out, err
}

// requireMirrored waits until Redis has exactly what the cloud has.
func requireMirrored(t *testing.T, c *redis.Client, want *cloud, m *Mirror) {
	t.Helper()
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		got, err := mirrored(c)
		require.NoError(t, err)
		require.Equal(t, want.all(), got)
	}, time.Minute, 20*time.Millisecond, "%+v", m.Stats())
}

func addrs(from, n int) []netip.Prefix {
	out := make([]netip.Prefix, 0, n)
	for i := from; i < from+n; i++ {
		out = append(out, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32))
	}
	return out
}
