package store

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

// numbers hands out the numbers of objects. Per kind, one key of etcd holds the last number that was given away, to an
// object or in a block to a process. What is left of a block when its process ends is never used: numbers are not scarce,
// and one that has been on a switch must not come back as something else.
type numbers struct {
	client *clientv3.Client
	layout layout
	mu     sync.Mutex
	blocks map[policy.Kind]*block
}

// block is a range of numbers that is this process's alone: next is the first that was not given out, last the end.
type block struct {
	mu         sync.Mutex
	next, last policy.Number
}

// blockSizes says how many numbers a process takes at a time. Attachments are ordered by number across all
// processes, so that each takes just what it needs, after the ones before it are written.
var blockSizes = map[policy.Kind]uint64{policy.KindAttachment: 1}

const blockSize = 256

func newNumbers(c *clientv3.Client, l layout) *numbers {
	return &numbers{client: c, layout: l, blocks: make(map[policy.Kind]*block)}
}

// give numbers the objects, in their order.
func (n *numbers) give(ctx context.Context, objects []policy.Numbered) error {
	byKind := make(map[policy.Kind][]policy.Numbered)
	for _, o := range objects {
		byKind[o.Kind()] = append(byKind[o.Kind()], o)
	}
	for kind, objects := range byKind {
		given, err := n.take(ctx, kind, len(objects))
		if err != nil {
			return err
		}
		for i, o := range objects {
			o.SetNumber(given[i])
		}
	}
	return nil
}

// take returns count numbers in ascending order that nobody ever had.
func (n *numbers) take(ctx context.Context, kind policy.Kind, count int) ([]policy.Number, error) {
	b := n.block(kind)
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]policy.Number, 0, count)
	for len(out) < count {
		if b.next == 0 || b.next > b.last {
			size, ok := blockSizes[kind]
			if !ok {
				size = blockSize
			}
			if err := n.lease(ctx, kind, b, max(size, uint64(count-len(out)))); err != nil {
				return nil, err
			}
		}
		out = append(out, b.next)
		b.next++
		if b.next == 0 { // The last number of all was given out.
			b.next, b.last = 1, 0
		}
	}
	return out, nil
}

func (n *numbers) block(kind policy.Kind) *block {
	n.mu.Lock()
	defer n.mu.Unlock()
	b, ok := n.blocks[kind]
	if !ok {
		b = new(block)
		n.blocks[kind] = b
	}
	return b
}

// lease moves the kind's counter on by size and makes what it passed the block.
func (n *numbers) lease(ctx context.Context, kind policy.Kind, b *block, size uint64) error {
	name := n.layout.number(kind)
	operation := "take numbers of kind " + string(kind)
	for {
		got, err := n.client.Get(ctx, name)
		if err != nil {
			return translate(operation, err)
		}
		var last uint64
		var revision int64
		if len(got.Kvs) > 0 {
			revision = got.Kvs[0].ModRevision
			if last, err = strconv.ParseUint(string(got.Kvs[0].Value), 10, 32); err != nil {
				return fmt.Errorf("%s: %s: %w", operation, name, err)
			}
		}
		if last == math.MaxUint32 {
			return &policy.Conflict{Code: "numbers-exhausted", Message: fmt.Sprintf("all %d numbers of kind %s were given out", last, kind)}
		}
		end := min(last+size, math.MaxUint32)
		done, err := n.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(name), "=", revision)).
			Then(clientv3.OpPut(name, strconv.FormatUint(end, 10))).Commit()
		if err != nil {
			return translate(operation, err)
		}
		if done.Succeeded {
			b.next, b.last = policy.Number(last+1), policy.Number(end)
			return nil
		}
	}
}
