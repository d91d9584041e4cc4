package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	managementTime = 20 * time.Second
	maxAnswer      = 64 << 20
)

// management speaks to RabbitMQ's HTTP API. Its clients in Go take no context.
type management struct {
	base, user, password string
	client               *http.Client
}

func newManagement(base, user, password string) *management {
	return &management{strings.TrimSuffix(base, "/"), user, password, &http.Client{Timeout: managementTime}}
}

// statusError is an answer that is no success.
type statusError struct {
	method, path string
	status       int
	reason       string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s %s at the broker: %d %s", e.method, e.path, e.status, e.reason)
}

func isMissing(err error) bool {
	var s *statusError
	return errors.As(err, &s) && s.status == http.StatusNotFound
}

// path joins parts, each escaped whole.
func path(parts ...string) string {
	var out strings.Builder
	out.WriteString("/api")
	for _, p := range parts {
		out.WriteString("/" + url.PathEscape(p))
	}
	return out.String()
}

// do sends in as JSON, where it is not nil, and reads the answer into out likewise.
func (m *management) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, m.base+path, body)
	if err != nil {
		return fmt.Errorf("ask the broker: %w", err)
	}
	req.SetBasicAuth(m.user, m.password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := m.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the broker: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the broker's answer: %w", err)
	}
	if resp.StatusCode >= 300 {
		return &statusError{method, path, resp.StatusCode, reasonOf(data)}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("read the broker's answer to %s %s: %w", method, path, err)
	}
	return nil
}

// reasonOf is what RabbitMQ says of a refusal.
func reasonOf(data []byte) string {
	var answer struct {
		Reason json.RawMessage `json:"reason"`
		Error  string          `json:"error"`
	}
	var reason string
	if json.Unmarshal(data, &answer) == nil && json.Unmarshal(answer.Reason, &reason) == nil && reason != "" {
		return reason
	}
	if answer.Error != "" {
		return answer.Error
	}
	return "without a reason"
}
