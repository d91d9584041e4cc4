package dispatch

import (
	"context"
	"errors"
	"log/slog"

	amqp "github.com/rabbitmq/amqp091-go"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/task"
)

// poison is how often an attempt may be begun in quarantine.
const poison = 2

// bury keeps a dead letter, or sends it on: the broker gives a message up that it had
// handed out too often, begun or not, and such a one has done nothing wrong.
func (l *line) bury(ctx context.Context, d *queue.Delivery) error {
	m, err := d.Task()
	if err != nil {
		l.service.Log.LogAttrs(ctx, slog.LevelWarn, "a dead letter cannot be read", slog.String("project", l.project.Name), slog.Any("error", err))
		_ = d.Ack(false) // it would be no better the next time
		return nil
	}
	var failure *task.Error
	if reasonOf(d.Headers) == "delivery_limit" {
		starts, err := l.service.Ledger.Starts(ctx, m.ID, m.Attempt)
		if err != nil {
			return err
		}
		failure = &task.Error{Reason: task.ReasonCrashed, Message: "whatever began it died, again and again"}
		if starts < poison {
			// A queue that is gone stays gone: nothing behind the message is to wait for it.
			if err := l.sendOn(ctx, d, m); !errors.Is(err, queue.ErrUnroutable) {
				return err
			}
			failure = &task.Error{Reason: task.ReasonUnroutable, Message: "the broker gave the task up, and the queue of its function does not exist any more"}
		}
	}
	err = l.service.Ledger.Bury(ctx, l.project.ID, m, failure)
	if err != nil && !l.service.Ledger.Refused(err) {
		return err
	}
	if err != nil { // it would be refused again
		l.service.Log.LogAttrs(ctx, slog.LevelError, "a dead letter cannot be kept", slog.String("project", l.project.Name), slog.String("task", m.ID), slog.Any("error", err))
	}
	_ = d.Ack(false) // one that is stale comes again
	return nil
}

// sendOn sends a message to its queue anew, with a fresh count of deliveries.
func (l *line) sendOn(ctx context.Context, d *queue.Delivery, m task.Message) error {
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	if err := l.publisher.Publish(ctx, queue.TaskLetter("", m)); err != nil {
		return err
	}
	_ = d.Ack(false) // one that is stale comes again: at least once
	return nil
}

// reasonOf is why the broker made a message a dead letter, the last time.
func reasonOf(headers map[string]any) string {
	deaths, _ := headers["x-death"].([]any)
	for _, death := range deaths { // the newest is the first
		if table, ok := death.(amqp.Table); ok {
			if queue, _ := table["queue"].(string); queue != "" && len(queue) > 3 && queue[:3] == "fn." {
				reason, _ := table["reason"].(string)
				return reason
			}
		}
	}
	return ""
}
