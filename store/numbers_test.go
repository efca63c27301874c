package store

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

func TestNumbersAreNeverGivenAgain(t *testing.T) {
	prefix := freshPrefix()
	had := make(map[policy.Number]string)
	for life := range 3 { // Each life of the process begins behind the last one's block.
		s, err := New(t.Context(), inside.client, Options{Prefix: prefix})
		require.NoError(t, err)
		for n := range 2*blockSize/3 + 1 {
			id := fmt.Sprintf("g%d-%d", life, n)
			mustUpdate(t, s, put(group(id)))
			number := get[*policy.Group](t, s, id).Number
			require.NotZero(t, number)
			require.Empty(t, had[number])
			had[number] = id
			mustUpdate(t, s, remove(policy.KindGroup, id))
		}
		consistent(t, s)
		s.Close()
	}
}

func TestNumbersOfAnObjectOutliveItsChanges(t *testing.T) {
	s := inside.open(t)
	populate(t, s)
	number := get[*policy.Subnet](t, s, "s").Number
	for n := range 3 {
		sub := subnet("s", "v", n, "10.0.0.0/8")
		mustUpdate(t, s, put(sub))
		require.Equal(t, number, get[*policy.Subnet](t, s, "s").Number)
	}
}

func TestATransactionThatRunsAgainKeepsItsNumbers(t *testing.T) {
	s := inside.open(t)
	other := inside.openAt(t, string(s.layout))
	populate(t, s)
	require.NoError(t, other.mirror.wait(t.Context(), s.Revision()))
	runs := 0
	mustUpdate(t, s, func(tx policy.Tx) error {
		if runs++; runs == 1 { // Another process gets in between.
			web := group("web")
			web.Description = "other"
			mustUpdate(t, other, put(web))
		}
		web, _ := tx.Snapshot().Get(policy.KindGroup, "web")
		web = web.Clone()
		web.(*policy.Group).Tags = map[string]string{"run": fmt.Sprint(runs)}
		return put(web, group("g"))(tx)
	})
	require.Equal(t, 2, runs)
	require.Equal(t, "other", get[*policy.Group](t, s, "web").Description)
	first := get[*policy.Group](t, s, "g").Number
	mustUpdate(t, s, put(group("next")))
	require.Equal(t, first+1, get[*policy.Group](t, s, "next").Number)
}

// Attachments apply in the order of their numbers, whichever controller makes them.
func TestNumbersOfAttachmentsAreInOrderOfCreation(t *testing.T) {
	s := two(t, inside)
	populate(t, s[0])
	settled(t, s, s[0].Revision())
	var last policy.Number
	for n := range 20 {
		id := fmt.Sprintf("g%d", n)
		a := &policy.Attachment{Meta: policy.Meta{ID: id}, GroupID: policy.GroupID(id), Target: policy.Target{SubnetID: "s"}}
		mustUpdate(t, s[n%2], put(group(id), a))
		number := get[*policy.Attachment](t, s[n%2], id).Number
		require.Greater(t, number, last)
		last = number
	}
}

func TestNumbersEnd(t *testing.T) {
	s := inside.open(t)
	_, err := s.client.Put(t.Context(), s.layout.number(policy.KindGroup), strconv.Itoa(math.MaxUint32-2))
	require.NoError(t, err)
	mustUpdate(t, s, put(group("a"), group("b")))
	require.EqualValues(t, math.MaxUint32-1, get[*policy.Group](t, s, "a").Number)
	require.EqualValues(t, math.MaxUint32, get[*policy.Group](t, s, "b").Number)
	_, err = s.Update(t.Context(), put(group("c")))
	require.Equal(t, "numbers-exhausted", conflictOf(t, err).Code)
	require.False(t, exists(s, policy.KindGroup, "c"))
	consistent(t, s)
}
