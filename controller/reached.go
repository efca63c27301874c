package controller

import "sync"

// reached tells those who wait for a revision when the model has it, and only then: thousands may wait while as many batches
// come, and were each of them woken by each batch, nobody else would get on.
type reached struct {
	mu       sync.Mutex
	revision int64
	waiting  map[int64]chan struct{} // closed once the model has the revision of the key
}

// advance says that the model has the revision.
func (r *reached) advance(revision int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revision = revision
	for wanted, c := range r.waiting {
		if wanted <= revision {
			close(c)
			delete(r.waiting, wanted)
		}
	}
}

// await is closed once the model has the revision; nil when it has it.
func (r *reached) await(revision int64) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.revision >= revision {
		return nil
	}
	if r.waiting[revision] == nil {
		r.waiting[revision] = make(chan struct{})
	}
	return r.waiting[revision]
}
