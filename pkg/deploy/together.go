package deploy

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/pkg/guard"
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
// room. Before a wave that needs what the wave before has replaced to end, and when all
// of that wave are up, makeRoom waits for that end. together returns when all have
// ended; the first error ends the others.
func (w *crew) together(ctx context.Context, waves []wave, most int, begin func(ctx context.Context, i int) (rest, error), makeRoom func(ctx context.Context, jobs int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	count := 0
	for _, wave := range waves {
		count += wave.jobs
	}
	*w = crew{up: make(chan struct{}, count)}
	if err := guard.Do(func() error { return w.beginAll(ctx, group, waves, most, begin, makeRoom) }); err != nil {
		group.Go(func() error { return err })
	}
	err := group.Wait()
	*w = crew{}
	return err
}

func (w *crew) beginAll(ctx context.Context, group *errgroup.Group, waves []wave, most int, begin func(ctx context.Context, i int) (rest, error), makeRoom func(ctx context.Context, jobs int) error) error {
	next := 0
	for _, wave := range waves {
		if wave.afterEnd {
			if err := w.fewerThan(ctx, 1); err != nil {
				return err
			}
			if err := makeRoom(ctx, wave.jobs); err != nil {
				return err
			}
		}
		for range wave.jobs {
			if err := w.fewerThan(ctx, most); err != nil {
				return err
			}
			rest, err := begin(ctx, next)
			if err != nil {
				return err
			}
			if rest != nil {
				w.add(ctx, group, rest)
			}
			next++
		}
	}
	return nil
}

func (w *crew) add(ctx context.Context, group *errgroup.Group, rest rest) {
	w.underWay++
	up := sync.OnceFunc(func() { w.up <- struct{}{} })
	group.Go(func() error {
		err := guard.Do(func() error { return rest(ctx, up) })
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
