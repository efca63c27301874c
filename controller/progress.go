package controller

// progress is how far a bridge is behind the model, in revisions of the store.
//
//	touch ──► waiting ──take──► flight ──confirm──► confirmed
//	             ▲                 │
//	             └─────fail────────┘
//
// waiting and flight are the oldest revisions that concern the host and are not taken, or not confirmed; 0: none.
type progress struct {
	desired   int64 // newest that concerns the host
	confirmed int64 // the bridge has everything up to here
	waiting   int64
	flight    int64
	taken     int64 // the model's revision at the last take
}

// touch notes that a revision concerns the host; before is the one before it.
func (p *progress) touch(before, revision int64) {
	if p.oldest() == 0 && p.confirmed != 0 {
		p.confirmed = before
	}
	if p.waiting == 0 {
		p.waiting = revision
	}
	p.desired = revision
}

// take says that everything wanted at the model's revision is on its way.
func (p *progress) take(revision int64) {
	if p.flight == 0 {
		p.flight = p.waiting
	}
	p.waiting, p.taken = 0, revision
}

// confirm says that what was taken is on the bridge.
func (p *progress) confirm() {
	p.flight = 0
	p.confirmed = max(p.confirmed, p.taken)
}

// fail says that what was taken may not be on the bridge.
func (p *progress) fail() {
	if p.flight != 0 {
		p.waiting, p.flight = p.flight, 0
	}
}

func (p *progress) oldest() int64 {
	if p.flight != 0 {
		return p.flight
	}
	return p.waiting
}

// behind reports whether the bridge lacks something of the revision, or of one before it.
func (p *progress) behind(revision int64) bool {
	oldest := p.oldest()
	return oldest != 0 && oldest <= revision
}

// applied is the newest revision that the bridge has confirmed, where what does not concern it counts as confirmed; 0 when it
// has confirmed nothing yet. now is the model's.
func (p *progress) applied(now int64) int64 {
	if p.confirmed != 0 && p.oldest() == 0 {
		return now
	}
	return p.confirmed
}
