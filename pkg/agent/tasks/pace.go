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
