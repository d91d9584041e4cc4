package waves

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/pkg/panics"
)

// Crew counts the jobs of a change that are coming up at this moment. Whoever
// begins them owns it; each of them says once that it is up.
type Crew struct {
	up       chan struct{}
	underWay int
}

// Rest is what is left of bringing a job up when its instances have their places.
// It calls up as soon as they are healthy, since no other job has to wait for what
// it does then.
type Rest func(ctx context.Context, up func()) error

// BringUp begins jobs in their order, wave by wave, and lets the rest of each go
// on beside those of the others, of which not more than most come up at a time. Jobs
// are begun one after the other: each is planned when those before it hold their
// room. Before a wave that needs what the wave before has replaced to end, and when all
// of that wave are up, makeRoom waits for that end. together returns when all have
// ended; the first error ends the others.
func (w *Crew) BringUp(ctx context.Context, waves []Wave, most int, begin func(ctx context.Context, i int) (Rest, error), makeRoom func(ctx context.Context, jobs int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	count := 0
	for _, wave := range waves {
		count += wave.Jobs
	}
	*w = Crew{up: make(chan struct{}, count)}
	if err := panics.Do(func() error { return w.beginAll(ctx, group, waves, most, begin, makeRoom) }); err != nil {
		group.Go(func() error { return err })
	}
	err := group.Wait()
	*w = Crew{}
	return err
}

func (w *Crew) beginAll(ctx context.Context, group *errgroup.Group, waves []Wave, most int, begin func(ctx context.Context, i int) (Rest, error), makeRoom func(ctx context.Context, jobs int) error) error {
	next := 0
	for _, wave := range waves {
		if wave.afterEnd {
			if err := w.fewerThan(ctx, 1); err != nil {
				return err
			}
			if err := makeRoom(ctx, wave.Jobs); err != nil {
				return err
			}
		}
		for range wave.Jobs {
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

func (w *Crew) add(ctx context.Context, group *errgroup.Group, rest Rest) {
	w.underWay++
	up := sync.OnceFunc(func() { w.up <- struct{}{} })
	group.Go(func() error {
		err := panics.Do(func() error { return rest(ctx, up) })
		if err == nil {
			up()
		}
		return err
	})
}

// OneUp waits until one more job is up. It reports whether there was any to wait
// for.
func (w *Crew) OneUp(ctx context.Context) (waited bool, err error) {
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
func (w *Crew) fewerThan(ctx context.Context, n int) error {
	for w.underWay >= n {
		if _, err := w.OneUp(ctx); err != nil {
			return err
		}
	}
	return nil
}
