package deploy

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// crew counts the jobs of a change that are coming up at this moment. Whoever
// begins them owns it; each of them says once that it is up.
type crew struct {
	up       chan struct{}
	underWay int
}

// rest is what is left of bringing a job up when its instances have their places.
// It calls up as soon as they are healthy, since no other job has to wait for what
// it does then.
type rest func(ctx context.Context, up func()) error

// together begins jobs in their order, wave by wave, and lets the rest of each go
// on beside those of the others, of which not more than most come up at a time. Jobs
// are begun one after the other: each is planned when those before it hold their
// room. It returns when all have ended; the first error ends the others.
func (c *change) together(ctx context.Context, waves []wave, most int, begin func(ctx context.Context, i int) (rest, error)) error {
	group, ctx := errgroup.WithContext(ctx)
	count := 0
	for _, w := range waves {
		count += w.jobs
	}
	c.crew = crew{up: make(chan struct{}, count)}
	if err := guarded(func() error { return c.beginAll(ctx, group, waves, most, begin) }); err != nil {
		group.Go(func() error { return err })
	}
	err := group.Wait()
	c.crew = crew{}
	return err
}

func (c *change) beginAll(ctx context.Context, group *errgroup.Group, waves []wave, most int, begin func(ctx context.Context, i int) (rest, error)) error {
	next := 0
	for _, w := range waves {
		if err := c.ready(ctx, w); err != nil {
			return err
		}
		for range w.jobs {
			if err := c.crew.fewerThan(ctx, most); err != nil {
				return err
			}
			rest, err := begin(ctx, next)
			if err != nil {
				return err
			}
			if rest != nil {
				c.crew.add(ctx, group, rest)
			}
			next++
		}
	}
	return nil
}

// ready waits until there is room for a wave.
func (c *change) ready(ctx context.Context, w wave) error {
	if !w.afterEnd {
		return nil
	}
	if err := c.crew.fewerThan(ctx, 1); err != nil {
		return err
	}
	c.phase("rollout", "making room for %s", nextOnes(w.jobs))
	_, err := c.nomad.Settle(ctx, c.project.Name)
	return err
}

func (w *crew) add(ctx context.Context, group *errgroup.Group, rest rest) {
	w.underWay++
	up := sync.OnceFunc(func() { w.up <- struct{}{} })
	group.Go(func() error {
		err := guarded(func() error { return rest(ctx, up) })
		if err == nil {
			up()
		}
		return err
	})
}

// oneUp waits until one more job is up. It reports whether there was any to wait
// for.
func (w *crew) oneUp(ctx context.Context) (waited bool, err error) {
	if w.underWay == 0 {
		return false, nil
	}
	select {
	case <-w.up:
		w.underWay--
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// fewerThan waits until fewer than n jobs are coming up.
func (w *crew) fewerThan(ctx context.Context, n int) error {
	for w.underWay >= n {
		if _, err := w.oneUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

func nextOnes(n int) string {
	if n == 1 {
		return "the next one"
	}
	return fmt.Sprintf("the next %d", n)
}
