package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
)

const (
	historyLines = 1_000_000
	historyBatch = 5_000
	historyTurns = 5
	// Of a task there are so many lines, of a request so many.
	linesOfTask, linesOfRequest = 100, 10
)

// logHistory fills the cluster's Loki with an hour of a tenant of its own, and looks for
// lines of it.
func logHistory(ctx context.Context) ([]figure, error) {
	loki, err := logs.New(os.Getenv("LOKI_ADDR"))
	if err != nil {
		return nil, err
	}
	tenant := fmt.Sprintf("bench.%d", time.Now().UnixNano())
	defer func() { _, _ = loki.Forget(context.WithoutCancel(ctx), tenant) }()
	end := time.Now()
	begin := end.Add(-time.Hour)
	at := func(i int) time.Time { return begin.Add(time.Hour / historyLines * time.Duration(i)) }
	from := logs.Origin{Power: "webapp", Function: "live_app", Server: "web", Release: "1", Instance: "0123abcd"}
	for first := 0; first < historyLines; first += historyBatch {
		var batch []api.LogEntry
		for i := first; i < first+historyBatch; i++ {
			batch = append(batch, api.LogEntry{
				Time: at(i).UnixNano(), Stream: "stdout", Level: "INFO", Message: fmt.Sprintf("line %d of what an application says while it is at its work", i),
				TaskID: fmt.Sprintf("t-%d", i/linesOfTask), RequestID: fmt.Sprintf("r-%d", i/linesOfRequest),
			})
		}
		if n, err := loki.Push(ctx, tenant, from, batch); err != nil || n > 0 {
			return nil, fmt.Errorf("fill: %d rejected, %w", n, err)
		}
	}
	look := func(q api.LogQuery, want int) (time.Duration, error) {
		var took []time.Duration
		for range historyTurns {
			asked := time.Now()
			found, err := loki.History(ctx, tenant, q)
			if err != nil || len(found) != want {
				return 0, fmt.Errorf("found %d of %d lines: %w", len(found), want, err)
			}
			took = append(took, time.Since(asked))
		}
		return median(took), nil
	}
	middle := historyLines / 2
	task, err := look(api.LogQuery{TaskID: fmt.Sprintf("t-%d", middle/linesOfTask), Since: begin, Until: end, Limit: linesOfTask}, linesOfTask)
	if err != nil {
		return nil, err
	}
	request, err := look(api.LogQuery{
		RequestID: fmt.Sprintf("r-%d", middle/linesOfRequest), Since: at(middle).Add(-time.Minute), Until: at(middle).Add(time.Minute), Limit: linesOfRequest,
	}, linesOfRequest)
	if err != nil {
		return nil, err
	}
	return []figure{
		{fmt.Sprintf("a task's lines among %d of an hour", historyLines), seconds(task), "", "", "< 1 s"},
		{"a request's among them, its minute known", seconds(request), "", "", "< 0.3 s"},
	}, nil
}
