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

// packagesPerMinute is how many packages a core compiles in a minute, for servers
// whose packages nobody has counted yet.
const packagesPerMinute = 300

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

// line is "43 %, about 8 minutes left: nomad 731 of 1290 packages". What Go has
// compiled before, for this server or another one, it never names: then the end
// comes sooner than said.
func (p *progress) line(passed time.Duration) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var done, left int
	var now []string
	for _, t := range p.tools {
		done += t.compiled
		switch {
		case t.built:
		case t.packages == 0:
			left += int(t.CPUMinutes * packagesPerMinute)
		default:
			left += max(0, t.packages-t.compiled)
			now = append(now, fmt.Sprintf("%s %d of %d packages", t.Name, t.compiled, t.packages))
		}
	}
	text := fmt.Sprintf("%-24s %d %%", "servers built", 100*done/max(1, done+left))
	if done > packagesPerMinute { // before, it would be a guess
		text += fmt.Sprintf(", about %s left", minutes(passed*time.Duration(left)/time.Duration(done)))
	}
	if len(now) > 0 {
		text += ": " + strings.Join(now, ", ")
	}
	return text
}

func minutes(d time.Duration) string {
	if d < 90*time.Second {
		return "a minute"
	}
	return fmt.Sprintf("%.0f minutes", d.Minutes())
}
