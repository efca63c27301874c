package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// together runs n functions at once and returns their errors.
func together(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// two opens two stores of the same objects, as two controllers do.
func two(t *testing.T, c cluster) [2]*Store {
	prefix := freshPrefix()
	return [2]*Store{c.openAt(t, prefix), c.openAt(t, prefix)}
}

// settled waits until both stores know the revision.
func settled(t *testing.T, s [2]*Store, revision int64) {
	t.Helper()
	for _, s := range s {
		require.NoError(t, s.mirror.wait(t.Context(), revision))
	}
}

func TestRaceForAName(t *testing.T) {
	onBoth(t, func(t *testing.T, c cluster) {
		s := two(t, c)
		for round := range 10 {
			errs := together(16, func(i int) error {
				g := group(fmt.Sprintf("g%d-%d", round, i))
				g.Name = fmt.Sprintf("name%d", round)
				_, err := s[i%2].Update(t.Context(), put(g))
				return err
			})
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
					continue
				}
				require.Equal(t, "name-taken", conflictOf(t, err).Code)
			}
			require.Equal(t, 1, won)
		}
		consistent(t, s[0])
		consistent(t, s[1])
	})
}

func TestRaceForNumbers(t *testing.T) {
	onBoth(t, func(t *testing.T, c cluster) {
		s := two(t, c)
		for _, err := range together(20, func(i int) error {
			for n := range 15 {
				g := group(fmt.Sprintf("g%d-%d", i, n))
				if _, err := s[i%2].Update(t.Context(), put(g, rule(g.ID+"r", g.ID, 22, policy.Remote{Any: true}))); err != nil {
					return err
				}
			}
			return nil
		}) {
			require.NoError(t, err)
		}
		consistent(t, s[0]) // Fsck knows two objects with one number.
		require.Equal(t, 300, count(s[0], policy.KindGroup))
	})
}

// One controller makes references to a group while another deletes it: the group is gone only when nothing refers to it.
func TestRaceOfReferenceAndDelete(t *testing.T) {
	onBoth(t, func(t *testing.T, c cluster) {
		s := two(t, c)
		populate(t, s[0])
		settled(t, s, s[0].Revision())
		refused, deleted := 0, 0
		for round := range 30 {
			id := fmt.Sprintf("g%d", round)
			settled(t, s, mustUpdate(t, s[0], put(group(id))))
			errs := together(4, func(i int) error {
				var err error
				switch i {
				case 0:
					_, err = s[0].Update(t.Context(), remove(policy.KindGroup, id))
				case 1:
					_, err = s[1].Update(t.Context(), put(instance("i"+id, policy.GroupID(id))))
				case 2:
					_, err = s[1].Update(t.Context(), put(rule("r"+id, "web", 1000+round, policy.Remote{GroupID: policy.GroupID(id)})))
				case 3:
					_, err = s[0].Update(t.Context(), put(rule("own"+id, id, 22, policy.Remote{Any: true})))
				}
				return err
			})
			if errs[0] == nil {
				deleted++
				require.Error(t, errs[1])
				require.Error(t, errs[2])
			} else {
				refused++
				require.Equal(t, "security-group-in-use", conflictOf(t, errs[0]).Code)
				require.True(t, errs[1] == nil || errs[2] == nil)
			}
		}
		t.Logf("deleted %d, refused %d", deleted, refused)
		settled(t, s, s[1].Revision())
		consistent(t, s[1])
	})
}

// Rules that no key decides hold in a race too: subnets of a VPC never overlap, an IP set's version stays while it has entries,
// no port lies outside its subnet.
func TestRaceAgainstWhatWasJudged(t *testing.T) {
	onBoth(t, func(t *testing.T, c cluster) {
		s := two(t, c)
		populate(t, s[0])
		settled(t, s, s[0].Revision())
		for round := range 20 {
			errs := together(2, func(i int) error {
				sub := subnet(fmt.Sprintf("s%d-%d", round, i), "v", 1+2*round+i, fmt.Sprintf("172.16.%d.0/%d", round, 24+i))
				_, err := s[i].Update(t.Context(), put(sub))
				return err
			})
			require.False(t, errs[0] == nil && errs[1] == nil, "overlap")

			set := fmt.Sprintf("set%d", round)
			settled(t, s, mustUpdate(t, s[0], put(ipset(set))))
			errs = together(2, func(i int) error {
				if i == 0 {
					_, err := s[0].Update(t.Context(), put(entry("e"+set, set, "192.0.2.0/24")))
					return err
				}
				six := ipset(set)
				six.IPVersion = 6
				_, err := s[1].Update(t.Context(), put(six))
				return err
			})
			require.False(t, errs[0] == nil && errs[1] == nil, "an entry of the other version")

			vpcID, subID := fmt.Sprintf("v%d", round), fmt.Sprintf("n%d", round)
			settled(t, s, mustUpdate(t, s[0], put(vpc(vpcID), subnet(subID, vpcID, 1000+round, "10.0.0.0/8"))))
			errs = together(2, func(i int) error {
				if i == 0 {
					p := port("p"+subID, "i", 1)
					p.SubnetID = policy.SubnetID(subID)
					_, err := s[0].Update(t.Context(), put(p))
					return err
				}
				_, err := s[1].Update(t.Context(), put(subnet(subID, vpcID, 1000+round, "10.128.0.0/9")))
				return err
			})
			require.False(t, errs[0] == nil && errs[1] == nil, "a port outside of its subnet")
		}
	})
}

// A port that is changed, not created, is seen too by a subnet that is narrowed meanwhile.
func TestRaceOfHolderAndTarget(t *testing.T) {
	s := two(t, inside)
	populate(t, s[0])
	for round := range 20 {
		in := port("p", "i", 0x10)
		rev := mustUpdate(t, s[0], put(subnet("s", "v", 0, "10.0.0.0/8"), in))
		settled(t, s, rev)
		errs := together(2, func(i int) error {
			var err error
			if i == 0 {
				_, err = s[0].Update(t.Context(), put(port("p", "i", 0x900000+round)))
			} else {
				_, err = s[1].Update(t.Context(), put(subnet("s", "v", 0, "10.0.0.0/9")))
			}
			return err
		})
		require.False(t, errs[0] == nil && errs[1] == nil)
	}
}

func TestRaceOfReadModifyWrite(t *testing.T) {
	onBoth(t, func(t *testing.T, c cluster) {
		s := two(t, c)
		populate(t, s[0])
		settled(t, s, s[0].Revision())
		const writers, each = 8, 10
		for _, err := range together(writers, func(i int) error {
			for range each {
				_, err := s[i%2].Update(t.Context(), func(tx policy.Tx) error {
					g, _ := policy.Find[*policy.Group](tx.Snapshot(), "web")
					g = g.Clone().(*policy.Group)
					g.Description += "x"
					return tx.Put(g)
				})
				if err != nil {
					return err
				}
			}
			return nil
		}) {
			require.NoError(t, err)
		}
		settled(t, s, max(s[0].Revision(), s[1].Revision()))
		require.Len(t, get[*policy.Group](t, s[0], "web").Description, writers*each)
	})
}

func TestManyPortsSideBySide(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	const writers, each = 50, 20
	conflicts := 0
	var mu sync.Mutex
	for _, err := range together(writers, func(i int) error {
		for n := range each {
			runs := 0
			_, err := s.Update(t.Context(), func(tx policy.Tx) error {
				runs++
				return tx.Put(port(fmt.Sprintf("p%d-%d", i, n), "i", 1+i*each+n))
			})
			if err != nil {
				return err
			}
			mu.Lock()
			conflicts += runs - 1
			mu.Unlock()
		}
		return nil
	}) {
		require.NoError(t, err)
	}
	require.Zero(t, conflicts, "ports of one subnet and one instance don't get in each other's way")
	require.Equal(t, writers*each, count(s, policy.KindPort))
	consistent(t, s)
}

func TestReadYourWrites(t *testing.T) {
	s := inside.open(t)
	for _, err := range together(20, func(i int) error {
		for n := range 20 {
			id := fmt.Sprintf("g%d-%d", i, n)
			rev, err := s.Update(t.Context(), put(group(id)))
			if err != nil {
				return err
			}
			if !exists(s, policy.KindGroup, id) || s.Revision() < rev {
				return errors.New(id + " was written and is not visible")
			}
		}
		return nil
	}) {
		require.NoError(t, err)
	}
}
