package tasks

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"fngen.dev/fngen/pkg/task"
)

// ErrPayloadGone is a large payload that the control plane does not have any more.
var ErrPayloadGone = errors.New("the payload is not there any more")

// payloadTime is how long it may take to fetch a large payload.
const payloadTime = 5 * time.Minute

// whole is the message of an execution with its payload, which may have to be fetched.
// While it cannot be, the same attempt comes again after a while: nobody is charged.
func (r *Runner) whole(x *execution) (task.Message, *end) {
	m := x.m
	if m.Large == (task.Large{}) {
		return m, nil
	}
	ctx, cancel := context.WithTimeout(x.waiting, payloadTime)
	defer cancel()
	body, err := r.platform.Payload(ctx, x.id, m.Large)
	switch {
	case errors.Is(err, ErrPayloadGone):
		return m, &end{state: task.Failed, answer: reject, err: &task.Error{
			Reason: task.ReasonPayloadGone, Message: "the platform does not have the payload any more: send the task again",
		}}
	case err != nil && r.isCancelled(x.id):
		gone := cancelledEnd()
		return m, &gone
	case err != nil && x.waiting.Err() != nil:
		return m, &end{answer: giveBack}
	case err != nil:
		r.log.Warn("a payload cannot be fetched", slog.String("task", x.id), slog.Any("error", err))
		return m, &end{again: true}
	}
	m.Body, m.Large = body, task.Large{}
	return m, nil
}
