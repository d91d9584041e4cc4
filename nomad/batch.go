package nomad

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/nomad/api"
)

// BatchObserver hears of a batch job. Each part may be nil.
type BatchObserver struct {
	// Output hears each line that the task prints, while it runs.
	Output func(line string)
	// Failed hears of a task that failed, before it is removed with its files.
	Failed func(ctx context.Context, failure *Failure)
}

// RunBatch runs a batch job of one task to its end and removes it. A task that exits
// with another code than 0 is a *Failure.
func (c *Client) RunBatch(ctx context.Context, job *api.Job, source []byte, observer BatchObserver) error {
	if err := c.Stop(ctx, *job.Namespace, *job.ID); err != nil {
		return err // what an interrupted run has left
	}
	evalID, err := c.submit(ctx, job, 0, source)
	if err != nil {
		return err
	}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_ = c.Stop(clean, *job.Namespace, *job.ID) // the next run removes it too
	}()
	alloc, err := c.placed(ctx, job, evalID)
	if err != nil {
		return err
	}
	err = c.finish(ctx, job, alloc, observer.Output)
	if failure, ok := errors.AsType[*Failure](err); ok && observer.Failed != nil {
		observer.Failed(ctx, failure)
	}
	return err
}

// placed waits until the scheduler has found a node for the job's only task.
func (c *Client) placed(ctx context.Context, job *api.Job, evalID string) (string, error) {
	eval, err := c.evaluation(ctx, *job.Namespace, evalID)
	if err != nil {
		return "", err
	}
	for group, metric := range eval.FailedTGAllocs {
		return "", &Failure{Job: *job.ID, ExitCode: -1, NoRoom: true, Reason: explainPlacement(job, group, metric)}
	}
	allocs, _, err := c.api.Jobs().Allocations(*job.ID, true, read(ctx, *job.Namespace))
	if err != nil {
		return "", fmt.Errorf("list allocations of job %q: %w", *job.ID, err)
	}
	if len(allocs) != 1 {
		return "", fmt.Errorf("job %q has %d allocations, not one", *job.ID, len(allocs))
	}
	return allocs[0].ID, nil
}

// outOfReach reports whether Nomad hears nothing of an allocation's server any more.
// One of which the server had not said yet that it runs is lost then, or stays pending
// where the server has others that may be out of reach for a while.
func (c *Client) outOfReach(ctx context.Context, alloc *api.Allocation) (bool, error) {
	switch alloc.ClientStatus {
	case api.AllocClientStatusUnknown, api.AllocClientStatusLost:
		return true, nil
	case api.AllocClientStatusPending:
		node, _, err := c.api.Nodes().Info(alloc.NodeID, read(ctx, ""))
		if err != nil {
			return false, err
		}
		return node.Status == api.NodeStatusDown || node.Status == api.NodeStatusDisconnected, nil
	}
	return false, nil
}

// finish waits for the allocation's end and passes on what it prints.
func (c *Client) finish(ctx context.Context, job *api.Job, allocID string, output func(string)) error {
	task := job.TaskGroups[0].Tasks[0].Name
	logs := map[string]*lines{"stdout": {emit: output}, "stderr": {emit: output}}
	var index uint64
	for {
		// Asked again every half second, to read what was printed meanwhile.
		alloc, meta, err := c.api.Allocations().Info(allocID, after(ctx, *job.Namespace, index, 500*time.Millisecond))
		if err != nil {
			return fmt.Errorf("read allocation of job %q: %w", *job.ID, err)
		}
		index = meta.LastIndex
		gone, err := c.outOfReach(ctx, alloc)
		if err != nil {
			return fmt.Errorf("read the server of job %q: %w", *job.ID, err)
		}
		if gone {
			return &Failure{Job: *job.ID, ExitCode: -1, Reason: "its server went out of reach, and nobody knows how far it came"}
		}
		ended := alloc.ClientTerminalStatus()
		for _, stream := range []string{"stdout", "stderr"} {
			c.pass(ctx, *job.Namespace, allocID, task, stream, logs[stream], ended)
		}
		if !ended {
			continue
		}
		if alloc.ClientStatus == api.AllocClientStatusComplete {
			return nil
		}
		return c.explain(ctx, job, "it failed", []*api.AllocationListStub{alloc.Stub()})
	}
}

// partBytes is how much of a log is read at once.
const partBytes = 1 << 20

// pass passes on what a stream has printed since: one part of it as long as the task
// runs, which may print faster than anybody reads, and all when it has ended. What
// cannot be read is left out.
func (c *Client) pass(ctx context.Context, namespace, allocID, task, stream string, to *lines, ended bool) {
	for to.emit != nil {
		text, err := c.readLog(ctx, namespace, allocID, partBytes, map[string]string{
			"task": task, "type": stream, "origin": "start", "offset": fmt.Sprint(to.offset),
		})
		to.add(text, false)
		if err != nil || !ended || len(text) < partBytes {
			break
		}
	}
	if ended {
		to.add(nil, true)
	}
}

// longestLine is more than anybody reads; what does not end is cut into several.
const longestLine = 64 << 10

// lines cuts a stream into lines; an unfinished one waits for its end.
type lines struct {
	emit   func(string)
	offset int64
	rest   []byte
}

func (l *lines) add(text []byte, last bool) {
	if l.emit == nil {
		return
	}
	l.offset += int64(len(text))
	l.rest = append(l.rest, text...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			break
		}
		l.emit(string(line))
		l.rest = rest
	}
	for len(l.rest) > longestLine {
		l.emit(string(l.rest[:longestLine]))
		l.rest = l.rest[longestLine:]
	}
	if last && len(l.rest) > 0 {
		l.emit(string(l.rest))
		l.rest = nil
	}
}
