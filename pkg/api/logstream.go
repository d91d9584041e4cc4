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
	return &LogStream{body: resp.Body, in: in}, nil
}

// LogStream is lines of a log, the oldest first.
type LogStream struct {
	body io.ReadCloser
	in   *bufio.Scanner
}

// Next waits for the next line, and returns io.EOF after the last, which is also how a
// connection ends that follows.
func (s *LogStream) Next() (LogLine, error) {
	var line LogLine
	for s.in.Scan() {
		if len(s.in.Bytes()) == 0 {
			continue // it only shows that somebody is there
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

// Close ends the stream.
func (s *LogStream) Close() error { return s.body.Close() }
