//go:build linux

package build

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// tellEvery is how often the progress of the builds is told.
const tellEvery = 30 * time.Second

// progress knows how much of all builds is done, by the packages that are compiled.
type progress struct {
	mu     sync.Mutex
	begun  time.Time
	tools  []*part
	report Report
}

// part is one server of the builds.
type part struct {
	Tool
	compiled, packages int // packages is 0 until they are counted
	built              bool
}

func newProgress(missing []Tool, report Report) *progress {
	p := &progress{begun: time.Now(), report: report}
	for _, t := range missing {
		p.tools = append(p.tools, &part{Tool: t})
	}
	return p
}

func (p *progress) start(name string, packages int) {
	p.change(name, func(t *part) { t.packages = packages })
}

func (p *progress) compiled(name string) { p.change(name, func(t *part) { t.compiled++ }) }

func (p *progress) built(name string) { p.change(name, func(t *part) { t.built = true }) }

func (p *progress) change(name string, f func(*part)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.tools {
		if t.Name == name {
			f(t)
		}
	}
}

// tell reports now and then, until the function that it returns is called.
func (p *progress) tell() (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(tellEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				p.report("%s", p.line(time.Since(p.begun)))
			}
		}
	}()
	return func() { close(done) }
}

// line is "built 43 %, about 8 minutes left: nomad 731 of 1290 packages".
func (p *progress) line(passed time.Duration) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all, done float64
	var now []string
	for _, t := range p.tools {
		all += t.CPUMinutes
		done += t.CPUMinutes * t.part()
		if t.packages > 0 && !t.built {
			now = append(now, fmt.Sprintf("%s %d of %d packages", t.Name, t.compiled, t.packages))
		}
	}
	share := done / max(all, 1e-9)
	text := fmt.Sprintf("%-24s %.0f %%", "servers built", 100*share)
	if share > 0.05 { // before, it would be a guess
		left := time.Duration(float64(passed) * (1 - share) / share)
		text += fmt.Sprintf(", about %s left", minutes(left))
	}
	if len(now) > 0 {
		text += ": " + strings.Join(now, ", ")
	}
	return text
}

// part is how much of a server is done, 0 to 1. What Go compiled before, for this
// server or another one, is never named: then the end comes sooner than said.
func (t *part) part() float64 {
	switch {
	case t.built:
		return 1
	case t.packages == 0:
		return 0
	default:
		return min(0.97, float64(t.compiled)/float64(t.packages)) // linking is left
	}
}

func minutes(d time.Duration) string {
	if d < 90*time.Second {
		return "a minute"
	}
	return fmt.Sprintf("%.0f minutes", d.Minutes())
}
