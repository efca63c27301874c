package controller

import (
	"iter"
	"sync"

	"conjunct/policy"
)

// gatheredAtMost bounds how many batches are applied in one go, and so for how long hosts wait for the model.
const gatheredAtMost = 32

// gathered yields the batches that wait, in their order: at least one, as soon as it is there. It has to be read to its end.
func gathered(batches <-chan policy.Batch, work *sync.WaitGroup) iter.Seq[[]policy.Batch] {
	ahead := make(chan policy.Batch, gatheredAtMost)
	work.Go(func() {
		defer close(ahead)
		for b := range batches {
			ahead <- b
		}
	})
	return func(yield func([]policy.Batch) bool) {
		for b := range ahead {
			list := []policy.Batch{b}
			for more := true; more && len(list) < gatheredAtMost; {
				select {
				case b, more = <-ahead:
					if more {
						list = append(list, b)
					}
				default:
					more = false
				}
			}
			if !yield(list) {
				return
			}
		}
	}
}
