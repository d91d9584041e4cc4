package capture

import "time"

// A stream is busy when it was read inRow times within a window. Then what is written
// within linger is read at once, unless that is much: to wake up for a line costs more
// than all else that is done with it.
const (
	inRow  = 16
	window = 250 * time.Millisecond
	linger = 10 * time.Millisecond
	much   = 8 << 10
)

// pace is that at which a stream is read.
type pace struct {
	// reads are the times of the last ones, next is the oldest of them.
	reads [inRow]time.Time
	next  int
}

// rest rests after so many bytes were read, where more of them are to come soon.
func (p *pace) rest(read int) {
	now := time.Now()
	isBusy := now.Sub(p.reads[p.next]) < window
	p.reads[p.next], p.next = now, (p.next+1)%inRow
	if isBusy && read < much {
		time.Sleep(linger)
	}
}
