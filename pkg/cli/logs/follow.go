package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
)

// logReader shows lines, each once.
type logReader struct {
	*command.App
	client  *api.Client
	project string
	q       api.LogQuery

	shown  int
	opened bool // there was a connection
	// told is until when all has been told, by the platform's clock, toldAt when that was
	// said, by ours.
	told, toldAt time.Time
	// seen says when lines were shown that may be told again after a connection broke off,
	// forgetAt how many are too many.
	seen     map[api.LogKey]time.Time
	forgetAt int
}

const (
	// overlap is how far back a new connection begins: what was late may be there.
	overlap      = time.Minute
	manySeen     = 100_000
	firstRetry   = 500 * time.Millisecond
	longestRetry = 5 * time.Second
)

// read shows the lines, and with follow goes on until ctx ends.
func (l *logReader) read(ctx context.Context) error {
	l.seen, l.forgetAt = map[api.LogKey]time.Time{}, manySeen
	wait, lost := firstRetry, false
	for {
		before := l.shown
		err := l.connection(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !l.q.Follow || !l.opened && err != nil || !passes(err) {
			return err
		}
		if l.shown > before {
			wait = firstRetry
		}
		if !lost {
			l.Sayf("connecting again")
		}
		lost = l.shown == before
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, longestRetry)
	}
}

// passes says whether it is worth to ask again: what failed is the connection, or the
// platform is away or has too much to do.
func passes(err error) bool {
	problem, refused := errors.AsType[*api.Problem](err)
	if !refused {
		return true
	}
	// A router that knows no control plane says that there is no such page.
	fromRouter := problem.RequestID == "" && problem.Status == http.StatusNotFound
	return fromRouter || problem.Status >= http.StatusInternalServerError || problem.Status == http.StatusTooManyRequests
}

// connection shows what one of them brings.
func (l *logReader) connection(ctx context.Context) error {
	q := l.q
	if !l.told.IsZero() {
		q.Since, q.Limit = l.told.Add(-overlap), 0
	}
	stream, err := l.client.Logs(ctx, l.project, q)
	if err != nil {
		return err
	}
	defer stream.Close()
	l.opened = true
	for {
		line, err := stream.Next()
		if told := stream.Told(); told.After(l.told) {
			l.told, l.toldAt = told, time.Now()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := l.show(line); err != nil {
			return err
		}
	}
}

func (l *logReader) show(line api.LogLine) error {
	if l.q.Follow && !l.isNew(line) {
		return nil
	}
	l.shown++
	if l.JSON {
		text, err := json.Marshal(line)
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		_, err = l.IO.Out.Write(append(text, '\n'))
		return err
	}
	_, err := io.WriteString(l.IO.Out, l.format(line))
	return err
}

func (l *logReader) isNew(line api.LogLine) bool {
	k := api.KeyOf(line)
	if _, told := l.seen[k]; told {
		return false
	}
	if len(l.seen) >= l.forgetAt {
		l.forget()
		l.forgetAt = max(manySeen, 2*len(l.seen))
	}
	l.seen[k] = time.Now()
	return true
}

// forget drops what was shown too long ago to be told again: a new connection tells what
// came a little before all had been told.
func (l *logReader) forget() {
	oldest := l.toldAt.Add(-3 * overlap)
	for k, at := range l.seen {
		if at.Before(oldest) {
			delete(l.seen, k)
		}
	}
}
