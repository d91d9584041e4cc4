package capture

import "time"

// A stream is busy when it was written to inRow times in a row with less than apart
// between them. Then what is written within linger is read at once, unless that is much:
// to wake up for a line costs more than all else that is done with it.
const (
	inRow  = 16
	apart  = 3 * time.Millisecond
	linger = 10 * time.Millisecond
	much   = 8 << 10
)

// pace is that at which a stream is read.
type pace struct {
	last time.Time
	row  int
}

// rest rests after so many bytes were read, where more of them are to come soon.
func (p *pace) rest(read int) {
	now := time.Now()
	if p.row++; now.Sub(p.last) > apart {
		p.row = 0
	}
	if p.last = now; p.row >= inRow && read < much {
		time.Sleep(linger)
		p.last = time.Now()
	}
}
