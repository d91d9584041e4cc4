package tasks

import "time"

// fetcher decides how many messages are fetched from the broker: as many as run at once,
// and as many more as keep the processes busy until others come. Those that would wait
// long are left to other agents. It is for one goroutine.
type fetcher struct {
	source Source
	most   int
	// now is what was asked for last.
	now int
	// less says that it is less than could run, since what came had to wait; free is how
	// many places there were at the last look.
	less bool
	free int
	// tick comes fetchPause after arm, nil where nothing is awaited.
	tick <-chan time.Time
}

// fetchPause is between two looks, while messages come.
const fetchPause = 100 * time.Millisecond

// arm has it look at what comes.
func (f *fetcher) arm() {
	if f.tick == nil {
		f.tick = time.After(fetchPause)
	}
}

// adjust asks for as many as is right now.
func (f *fetcher) adjust(ahead, free int, isStuck bool) {
	f.tick = nil
	before := f.free
	f.free = free
	want := f.most + ahead
	switch {
	case isStuck:
		f.less = true
		f.ask(0)
	case f.less && free == f.most:
		f.less = false
		f.ask(want)
	case f.less && free > before:
		// As many as before too: what came then is not answered, and holds its places.
		f.now = 0
		f.ask(free + ahead*free/f.most)
	case !f.less && (want >= 2*f.now || 2*want <= f.now || want == f.most):
		f.ask(want)
	}
	if f.less || free < f.most {
		f.arm() // what runs may take long, and nothing else come
	}
}

func (f *fetcher) ask(n int) {
	if n != f.now {
		f.now = n
		f.source.SetPrefetch(n)
	}
}
