// Package turns has changes of several projects take turns for the room on servers.
//
// Pushes and rollbacks of several projects at once each need room for new instances
// beside the old ones. Together they may find none, though there is room for each
// alone. So one that finds no room waits for those that were under way by then on
// servers of the same kind, since each gives back as much as it takes. When all of
// them wait, they hold what the others wait for: then all but the oldest go back to
// what they were, and begin again.
package turns

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// Interval is the wait before room is looked for again, and Patience for how long
	// that goes on in all.
	Interval = 2 * time.Second
	Patience = 5 * time.Minute
	// endTime is how long most instances that were told to stop take to end.
	endTime = 15 * time.Second
)

// ErrGaveWay ends a rollout whose room another one needs.
var ErrGaveWay = errors.New("another change needs the room")

// Turns are the changes that are under way in this process. The zero value has none.
type Turns struct {
	mu    sync.Mutex
	count int
	all   []*Turn
	// freed is when the last of them ended or went back, by the kind of server.
	freed map[string]time.Time
	// placing is held by the one that places something.
	placing chan struct{}
}

// Turn is one change among them. A nil one waits for nobody.
type Turn struct {
	among  *Turns
	number int
	// servers are the kinds of servers that it is for.
	servers []string
	waiting bool
	// holds says that it has started something that is not live yet.
	holds bool
	// before are those that it waits for, nil before it waits for any, and waited how
	// long it did so.
	before []*Turn
	waited time.Duration
}

// Take begins the turn of a change that starts instances on servers of these kinds.
// Leave ends it.
func (t *Turns) Take(servers []string) *Turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	mine := &Turn{among: t, number: t.count, servers: servers}
	t.all = append(t.all, mine)
	return mine
}

// Leave ends a turn.
func (mine *Turn) Leave() {
	t := mine.among
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = slices.DeleteFunc(t.all, func(o *Turn) bool { return o == mine })
	if mine.holds { // else nobody gets any room of it
		t.free(mine)
	}
}

// WentBack notes that the change holds no room any more but for what is live.
func (mine *Turn) WentBack() {
	mine.among.mu.Lock()
	defer mine.among.mu.Unlock()
	mine.among.free(mine)
}

func (t *Turns) free(mine *Turn) {
	mine.holds = false
	if t.freed == nil {
		t.freed = map[string]time.Time{}
	}
	for _, s := range mine.servers {
		t.freed[s] = time.Now()
	}
}

// Place places something for which room was seen, unless another change has taken
// that room since. While others want the same servers, fits looks at it again, and
// nobody else places anything meanwhile.
func (mine *Turn) Place(ctx context.Context, fits func() (bool, error), place func() error) (placed bool, err error) {
	if mine == nil {
		return true, place()
	}
	next, several := mine.among.places(mine)
	if several {
		select {
		case next <- struct{}{}:
			defer func() { <-next }()
		case <-ctx.Done():
			return false, ctx.Err()
		}
		if fit, err := fits(); err != nil || !fit {
			return false, err
		}
	}
	mine.among.mu.Lock()
	mine.holds = true
	mine.among.mu.Unlock()
	return true, place()
}

// places returns what has those place one after the other that want the same
// servers, and whether there are several.
func (t *Turns) places(mine *Turn) (next chan struct{}, several bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.placing == nil {
		t.placing = make(chan struct{}, 1)
	}
	return t.placing, slices.ContainsFunc(t.all, func(o *Turn) bool { return o != mine && o.sharesWith(mine) })
}

// WaitForRoom waits for a moment after a change found no room, and reports whether to
// look for it again. Before its first wait it tells for whom it waits. ErrGaveWay says
// that the change has to go back first.
func (mine *Turn) WaitForRoom(ctx context.Context, tell func(others string)) (again bool, err error) {
	if mine == nil || mine.waited > Patience {
		return false, nil
	}
	wait, others, giveWay := mine.among.verdict(mine)
	if giveWay {
		return false, ErrGaveWay
	}
	if !wait {
		return false, nil
	}
	if mine.waited == 0 {
		tell(inWords(others))
	}
	select {
	case <-ctx.Done():
	case <-time.After(Interval):
	}
	mine.among.mu.Lock()
	defer mine.among.mu.Unlock()
	mine.waited, mine.waiting = mine.waited+Interval, false
	return true, ctx.Err()
}

// verdict says what a change that finds no room has to do: wait for others, so many,
// give way to one of them, or neither, since nobody will make room.
func (t *Turns) verdict(mine *Turn) (wait bool, others int, giveWay bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.before == nil {
		mine.before = slices.DeleteFunc(slices.Clone(t.all), func(o *Turn) bool { return o == mine || !o.sharesWith(mine) })
	}
	mine.waiting = true
	oldest, goesOn, held := true, false, false
	for _, o := range t.all {
		// One that came later counts too: it may have been faster.
		held = held || o.holds && o != mine && o.sharesWith(mine)
		if !slices.Contains(mine.before, o) {
			continue
		}
		others++
		oldest = oldest && mine.number < o.number
		goesOn = goesOn || !o.waiting
	}
	switch {
	case goesOn:
		return true, others, false
	case !oldest:
		return !mine.holds, others, mine.holds
	}
	return held || t.ending(mine), others, false
}

func (mine *Turn) sharesWith(other *Turn) bool {
	return slices.ContainsFunc(mine.servers, func(s string) bool { return slices.Contains(other.servers, s) })
}

// ending reports whether what another change has replaced may still be about to end.
func (t *Turns) ending(mine *Turn) bool {
	return slices.ContainsFunc(mine.servers, func(s string) bool { at, ok := t.freed[s]; return ok && time.Since(at) < endTime })
}

func inWords(others int) string {
	switch others {
	case 0:
		return "what another push has replaced to end"
	case 1:
		return "another push to these servers"
	}
	return fmt.Sprintf("%d other pushes to these servers", others)
}
