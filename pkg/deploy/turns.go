package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
)

// Pushes and rollbacks of several projects at once each need room for new instances
// beside the old ones. Together they may find none, though there is room for each
// alone: then they take turns. One that finds no room waits for those that were under
// way by then on servers of the same kind, since each gives back as much as it takes.
// When all of them wait, they hold what the others wait for: then all but the oldest
// go back to what they were, and begin again.

const (
	// turnInterval is the wait before it is looked for room again, and turnTime for
	// how long in all.
	turnInterval = 2 * time.Second
	turnTime     = 5 * time.Minute
	// turnDrain is how long most instances take to end that were told to.
	turnDrain = 15 * time.Second
)

// errGaveWay ends a rollout that another one needs the room of.
var errGaveWay = errors.New("another change needs the room")

// turns are the changes that are under way in this process, all of which may wait
// for each other.
type turns struct {
	mu    sync.Mutex
	count int
	all   []*turn
	// freed is when the last of them ended or went back, by the kind of server.
	freed map[string]time.Time
	// placing is held by the one that places something.
	placing chan struct{}
}

// turn is one change among them.
type turn struct {
	number int
	// servers are the kinds of servers that it is for.
	servers []string
	waiting bool
	// holds says that it has started something that is not live yet.
	holds bool
	// before are those that it waits for, nil before it waits for any, and waited how
	// long it did so.
	before []*turn
	waited time.Duration
}

// takeTurns has a change be one of those that wait for each other, until leave.
func (c *change) takeTurns() (leave func()) {
	t := &c.turns
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	mine := &turn{number: t.count}
	for _, s := range c.ir.Servers {
		mine.servers = append(mine.servers, s.Size+" "+s.Region)
	}
	t.all = append(t.all, mine)
	c.turn = mine
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.all = slices.DeleteFunc(t.all, func(o *turn) bool { return o == mine })
		if mine.holds { // else nobody gets any room of it
			t.free(mine)
		}
		c.turn = nil
	}
}

// free notes that a change holds no room any more but what is live.
func (t *turns) free(mine *turn) {
	mine.holds = false
	if t.freed == nil {
		t.freed = map[string]time.Time{}
	}
	for _, s := range mine.servers {
		t.freed[s] = time.Now()
	}
}

// placeInTurn places a job that has room, unless another change has taken the room
// since that was seen. It is looked again while no other one places anything.
func (c *change) placeInTurn(ctx context.Context, form fitted) (deployment string, placed bool, err error) {
	if c.turn == nil {
		deployment, err = c.place(ctx, form)
		return deployment, true, err
	}
	next, several := c.turns.places(c.turn)
	if several {
		select {
		case next <- struct{}{}:
			defer func() { <-next }()
		case <-ctx.Done():
			return "", false, ctx.Err()
		}
		plan, err := c.nomad.Plan(ctx, form.job)
		if err != nil || len(plan.Unplaced) > 0 {
			return "", false, err
		}
	}
	c.turns.mu.Lock()
	c.turn.holds = true
	c.turns.mu.Unlock()
	deployment, err = c.place(ctx, form)
	return deployment, true, err
}

// places returns what has those place one after the other that want the same
// servers, and whether there are several.
func (t *turns) places(mine *turn) (next chan struct{}, several bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.placing == nil {
		t.placing = make(chan struct{}, 1)
	}
	return t.placing, slices.ContainsFunc(t.all, func(o *turn) bool { return o != mine && o.sharesWith(mine) })
}

// verdict says what a change that finds no room has to do: wait for others, so many,
// give way to one of them, or neither, since nobody will make room.
func (t *turns) verdict(mine *turn) (wait bool, others int, giveWay bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.before == nil {
		mine.before = slices.DeleteFunc(slices.Clone(t.all), func(o *turn) bool { return o == mine || !o.sharesWith(mine) })
	}
	mine.waiting = true
	oldest, goesOn, held := true, false, false
	for _, o := range t.all {
		// Also of one that came later, and was faster.
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
	return held || t.draining(mine), others, false
}

func (o *turn) sharesWith(mine *turn) bool {
	return slices.ContainsFunc(o.servers, func(s string) bool { return slices.Contains(mine.servers, s) })
}

// draining reports whether what another change has replaced may still end.
func (t *turns) draining(mine *turn) bool {
	return slices.ContainsFunc(mine.servers, func(s string) bool { at, ok := t.freed[s]; return ok && time.Since(at) < turnDrain })
}

// waitForRoom waits for a moment after a change found no room for something, and
// reports whether to look for it again. errGaveWay says to go back first.
func (c *change) waitForRoom(ctx context.Context, name string) (again bool, err error) {
	if c.turn == nil || c.turn.waited > turnTime {
		return false, nil
	}
	wait, others, giveWay := c.turns.verdict(c.turn)
	if giveWay {
		return false, errGaveWay
	}
	if !wait {
		return false, nil
	}
	if c.turn.waited == 0 {
		c.phase("rollout", "no room for %s yet: waiting for %s", name, othersOnThem(others))
	}
	pause(ctx, turnInterval)
	c.turns.mu.Lock()
	defer c.turns.mu.Unlock()
	c.turn.waited, c.turn.waiting = c.turn.waited+turnInterval, false
	return true, ctx.Err()
}

func othersOnThem(n int) string {
	switch n {
	case 0:
		return "what another push has replaced to end"
	case 1:
		return "another push to these servers"
	}
	return fmt.Sprintf("%d other pushes to these servers", n)
}

// rollInTurn makes jobs run as rollJobs does. When it has to give way it goes back,
// and begins again when others have ended.
func (c *change) rollInTurn(ctx context.Context, lowered []*nomadapi.Job) error {
	for {
		c.removed = c.toRemove(lowered)
		err := c.rollJobs(ctx, c.oldFirst(lowered))
		if !errors.Is(err, errGaveWay) {
			return err
		}
		c.phase("rollout", "giving way to another push that needs the room")
		if err := c.putBack(ctx, lowered); err != nil {
			return err
		}
		c.turns.mu.Lock()
		c.turns.free(c.turn)
		c.turns.mu.Unlock()
	}
}

// runBatch runs a job that ends, when there is room for it.
func (c *change) runBatch(ctx context.Context, job *nomadapi.Job, source []byte, name string, observer nomad.BatchObserver) error {
	for {
		err := c.nomad.RunBatch(ctx, job, source, observer)
		if failure, ok := errors.AsType[*nomad.Failure](err); !ok || !failure.NoRoom {
			return err
		}
		if again, waitErr := c.waitForRoom(ctx, name); waitErr != nil || !again {
			return errors.Join(waitErr, err)
		}
	}
}
