package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// ErrLogCut is a log that was followed and ended.
var ErrLogCut = errors.New("the connection ended")

// maxLogLine is the longest line of a log's answer.
const maxLogLine = 4 << 20

// Logs asks for lines of a project's log.
func (c *Client) Logs(ctx context.Context, project string, q LogQuery) (*LogStream, error) {
	query := url.Values{"limit": {strconv.Itoa(q.Limit)}}
	for name, value := range map[string]string{
		"power": q.Power, "function": q.Function, "task_id": q.TaskID, "request_id": q.RequestID, "level": q.Level, "text": q.Text,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, t := range map[string]time.Time{"since": q.Since, "until": q.Until} {
		if !t.IsZero() {
			query.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	if q.Follow {
		query.Set("follow", "true")
	}
	path := projectPath(project) + "/logs?" + query.Encode()
	resp, err := c.do(ctx, http.MethodGet, path, "", func() io.Reader { return nil }, true) //nolint:bodyclose // LogStream.Close does
	if err != nil {
		return nil, err
	}
	in := bufio.NewScanner(resp.Body)
	in.Buffer(make([]byte, 0, 64<<10), maxLogLine)
	opened := time.Now()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		date = opened
	}
	return &LogStream{body: resp.Body, in: in, follows: q.Follow, opened: opened, date: date}, nil
}

// silence is how long nothing comes of a connection that is there: the platform says
// something every 15 seconds.
const silence = time.Minute

// LogStream is lines of a log, the oldest first.
type LogStream struct {
	body io.ReadCloser
	in   *bufio.Scanner

	follows bool
	opened  time.Time
	date    time.Time // when it was opened, by the platform's clock
	told    time.Time
}

// Told is until when all lines that the platform had have come, by its clock; zero as
// long as those before the ones that are followed have not.
func (s *LogStream) Told() time.Time { return s.told }

// Next waits for the next line, and returns io.EOF after the last, which is also how a
// connection ends that follows.
func (s *LogStream) Next() (LogLine, error) {
	var line LogLine
	for s.scan() {
		if len(s.in.Bytes()) == 0 {
			s.told = s.date.Add(time.Since(s.opened))
			continue
		}
		if err := json.Unmarshal(s.in.Bytes(), &line); err != nil {
			return line, fmt.Errorf("%w: %w", ErrLogCut, err)
		}
		return line, nil
	}
	if err := s.in.Err(); err != nil {
		return line, fmt.Errorf("%w: %w", ErrLogCut, err)
	}
	return line, io.EOF
}

// scan waits for a line, and ends a connection of which nothing is heard any more.
func (s *LogStream) scan() bool {
	if s.follows {
		quiet := time.AfterFunc(silence, func() { _ = s.body.Close() })
		defer quiet.Stop()
	}
	return s.in.Scan()
}

// Close ends the stream.
func (s *LogStream) Close() error { return s.body.Close() }
