package tasks

import (
	"context"

	"fngen.dev/fngen/pkg/task"
)

// Turn is a task that has come to a crew.
type Turn struct {
	crew  *Crew
	m     task.Message
	begun func(end func(kill bool))
	j     *job
}

// Queue has a task wait for its turn, behind those that came before. begun is told what
// ends it when it has begun: with false it is told to, with true it is killed; and nil
// when it is over.
func (c *Crew) Queue(m task.Message, begun func(end func(kill bool))) *Turn {
	t := &Turn{c, m, begun, nil}
	t.queue()
	return t
}

func (t *Turn) queue() {
	t.j = newJob(t.m, t.crew.beginning(t.begun))
	t.crew.submit(t.j)
}

// Wait waits for the task's end, or until it is not to be begun any more. A task whose
// process ended before it was begun goes to another one.
func (t *Turn) Wait(ctx context.Context) (outcome, error) {
	for {
		o, err := t.crew.await(ctx, t.j)
		t.begun(nil)
		if err != nil || !o.innocent {
			return o, err
		}
		t.queue()
	}
}

func (c *Crew) beginning(begun func(end func(kill bool))) func(*job) {
	return func(j *job) { begun(func(kill bool) { c.end(j, kill) }) }
}

func (c *Crew) submit(j *job) {
	var n news
	c.mu.Lock()
	c.number++
	j.number = c.number
	c.queue = append(c.queue, j)
	c.schedule(&n)
	c.mu.Unlock()
	n.tell()
}

// await waits for what becomes of a job.
func (c *Crew) await(ctx context.Context, j *job) (outcome, error) {
	var o outcome
	select {
	case o = <-j.outcome:
	case <-ctx.Done():
		if c.withdraw(j) {
			return o, ctx.Err()
		}
		o = <-j.outcome
	}
	if !o.unstarted {
		return o, nil
	}
	if c.isGone() {
		return o, errGone
	}
	return o, errStopped
}
