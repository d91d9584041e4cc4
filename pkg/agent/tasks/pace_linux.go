package tasks

import "time"

const (
	// pipeTime is how long tasks that are handed to a process ahead may take by what is
	// known, fetchTime the same of those that are fetched ahead from the broker, beside
	// those that have ended and are not yet answered.
	pipeTime  = 5 * time.Millisecond
	fetchTime = 20 * time.Millisecond
	// Of either there are never more than these.
	maxAhead   = 128
	maxFetched = 512
	// maxSettle bounds how long it is reckoned that an answer takes.
	maxSettle = time.Second
)

// pace is how long tasks take. The zero value knows nothing, and has none handed out
// ahead.
type pace struct {
	mean  time.Duration
	count int
}

// add notes how long one took. The mean is over all of the first tasks, and then over the
// latest: one long task among many short ones is not forgotten soon.
func (p *pace) add(took time.Duration) {
	p.count = min(p.count+1, 64)
	p.mean += (took - p.mean) / time.Duration(p.count)
}

// ahead is how many tasks fit into a time, of those that n places run.
func (p *pace) ahead(of time.Duration, n, most int) int {
	if p.count == 0 {
		return 0
	}
	return min(int(of*time.Duration(n)/max(p.mean, time.Microsecond)), most)
}

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
