package term

import (
	"fmt"
	"sync"
	"time"
	"unicode/utf8"
)

// tick is how often a live line is drawn anew.
const tick = 100 * time.Millisecond

var spinner = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// Progress shows the steps of something long on Err: one line a step, rewritten
// in place with the time it has taken, or plain lines with the time since the
// start where that cannot be (a pipe, CI, NO_COLOR). Lines printed through it never tear a live line.
//
// Begin, Line, End and Stop may be called from any goroutine. Stop must be called.
type Progress struct {
	io    *IO
	now   func() time.Time
	begun time.Time

	mu      sync.Mutex
	name    string
	message string
	started time.Time
	measure *measure
	told    time.Time // when a plain line said how far the step is
	frame   int
	done    chan struct{}
	stopped sync.WaitGroup
}

// NewProgress starts to show steps. Nothing is printed before the first Begin.
func (s *IO) NewProgress() *Progress {
	p := &Progress{io: s, now: time.Now, begun: time.Now(), done: make(chan struct{})}
	p.stopped.Go(p.redraw)
	return p
}

// Begin ends the step before, as done, and begins the step name; or, when name is
// the running step, changes its message.
func (p *Progress) Begin(name, message string) {
	message = Escape(message)
	p.mu.Lock()
	defer p.mu.Unlock()
	if name == p.name && message == p.message {
		return
	}
	if name != p.name {
		p.finish("✓", Green)
		p.name, p.started = name, p.now()
	}
	p.message, p.measure = message, nil
	if !p.io.Live {
		fmt.Fprintf(p.io.Err, "%s: %s %s\n", Escape(name), message, p.io.Paint(Dim, "("+since(p.begun, p.now())+")"))
		return
	}
	p.draw()
}

// Line prints a line of output that someone else wrote, marked with its source.
func (p *Progress) Line(source, line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintln(p.io.Err, p.io.Paint(Dim, "  "+Escape(source)+" | ")+Escape(line))
	p.draw()
}

// End ends the running step as done, so that what is printed stands for itself
// until the next Begin.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish("✓", Green)
}

// Stop ends the running step, as done or not, and returns when nothing more will
// be printed. Calls after the first do nothing.
func (p *Progress) Stop(ok bool) {
	p.mu.Lock()
	select {
	case <-p.done:
		p.mu.Unlock()
		return
	default:
	}
	close(p.done)
	if ok {
		p.finish("✓", Green)
	} else {
		p.finish("✗", Red)
	}
	p.mu.Unlock()
	p.stopped.Wait()
}

func (p *Progress) redraw() {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-t.C:
			p.mu.Lock()
			p.frame++
			p.draw()
			p.tell()
			p.mu.Unlock()
		}
	}
}

// draw and the two below are called with the lock held.
func (p *Progress) draw() {
	if !p.io.Live || p.name == "" {
		return
	}
	p.clear()
	p.write(p.io.Paint(Bold, spinner[p.frame%len(spinner)]))
}

func (p *Progress) finish(mark string, style Style) {
	if p.io.Live && p.name != "" {
		p.clear()
		p.write(p.io.Paint(style, mark))
		fmt.Fprint(p.io.Err, "\n")
	}
	p.name, p.message, p.measure = "", "", nil
}

func (p *Progress) clear() {
	if p.io.Live && p.name != "" {
		fmt.Fprint(p.io.Err, "\r\x1b[K")
	}
}

// write puts the step on the line, cut so that it never wraps: a wrapped line
// cannot be rewritten.
func (p *Progress) write(mark string) {
	elapsed := since(p.started, p.now())
	if p.measure != nil {
		elapsed = p.measure.text(p.now()) + "  " + elapsed
	}
	room := p.io.Width - len(elapsed) - len("x  ") - 2
	fmt.Fprintf(p.io.Err, "%s %s %s", mark, cut(p.message, room), p.io.Paint(Dim, elapsed))
}

func since(begun, now time.Time) string { return fmt.Sprintf("%.1fs", now.Sub(begun).Seconds()) }

func cut(s string, room int) string {
	if utf8.RuneCountInString(s) <= room {
		return s
	}
	if room < 1 {
		return ""
	}
	return string([]rune(s)[:room-1]) + "…"
}
