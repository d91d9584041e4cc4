package term

import (
	"fmt"
	"time"
)

const (
	// rateTime is over how long a rate is taken.
	rateTime = 5 * time.Second
	// plainTick is how often a plain line says how far a step is.
	plainTick = 5 * time.Second
)

// measure is how far a step is.
type measure struct {
	total int64
	done  func() int64
	marks []mark // of the last rateTime, the oldest first
}

type mark struct {
	at    time.Time
	bytes int64
}

// Measure shows how far the running step is, done of total bytes, until the next
// step begins: on a live line all the time, else in a line every few seconds.
func (p *Progress) Measure(total int64, done func() int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.measure = &measure{total: total, done: done, marks: []mark{{p.now(), done()}}}
	p.told = p.now()
}

// text says how far it is, how fast it goes, and how long that takes.
func (m *measure) text(now time.Time) string {
	done := min(m.done(), m.total)
	out := fmt.Sprintf("%s of %s", bytesOf(done), bytesOf(m.total))
	rate := m.rate(now, done)
	if rate <= 0 {
		return out
	}
	out += fmt.Sprintf(", %s/s", bytesOf(int64(rate)))
	if left := float64(m.total-done) / rate; done < m.total {
		out += fmt.Sprintf(", %s left", leftOf(left))
	}
	return out
}

// rate is in bytes a second; 0 while it is not known.
func (m *measure) rate(now time.Time, done int64) float64 {
	for len(m.marks) > 1 && now.Sub(m.marks[1].at) >= rateTime {
		m.marks = m.marks[1:]
	}
	first := m.marks[0]
	m.marks = append(m.marks, mark{now, done})
	took := now.Sub(first.at).Seconds()
	if took < 0.5 {
		return 0
	}
	return float64(done-first.bytes) / took
}

func leftOf(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	switch {
	case d >= 100*time.Hour:
		return "days"
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%ds", int(d.Seconds()))
}

// bytesOf is a size in the units that disks and networks are sold in.
func bytesOf(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d kB", n/1000)
}

// tell prints a plain line when it is time for one. It is called with the lock
// held.
func (p *Progress) tell() {
	if p.io.Live || p.measure == nil || p.now().Sub(p.told) < plainTick {
		return
	}
	p.told = p.now()
	fmt.Fprintf(p.io.Err, "%s: %s %s\n", Escape(p.name), p.measure.text(p.now()), p.io.Paint(Dim, "("+since(p.begun, p.now())+")"))
}
