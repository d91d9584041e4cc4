package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// The client against a server of ours is tested in pkg/server. Here are the
// answers that ours does not give.

func clientOf(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	ts := httptest.NewServer(h)
	t.Cleanup(ts.Close)
	c, err := NewClient(ts.URL, "key", "", "test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// cut ends a connection without an answer.
func cut() { panic(http.ErrAbortHandler) }

func TestRepeatsWhatMayBeRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		call func(context.Context, *Client) error
		want int32
	}{
		"account": {func(ctx context.Context, c *Client) error { _, err := c.Account(ctx); return err }, 3},
		"latest":  {func(ctx context.Context, c *Client) error { _, err := c.LatestTree(ctx, "p"); return err }, 3},
		"create":  {func(ctx context.Context, c *Client) error { _, err := c.CreateProject(ctx, "p"); return err }, 1},
		"push":    {func(ctx context.Context, c *Client) error { _, err := c.Push(ctx, "p", PushRequest{}); return err }, 1},
		"destroy": {func(ctx context.Context, c *Client) error { _, err := c.Destroy(ctx, "p"); return err }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var tries atomic.Int32
			client := clientOf(t, func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				tries.Add(1)
				cut()
			})
			err := c.call(t.Context(), client)
			if err == nil || !strings.Contains(err.Error(), client.base.String()) || strings.Contains(err.Error(), `"key"`) {
				t.Errorf("error %v", err)
			}
			if got := tries.Load(); got != c.want {
				t.Errorf("%d tries, want %d", got, c.want)
			}
		})
	}
}

func TestRepeatSucceeds(t *testing.T) {
	var tries atomic.Int32
	c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		if tries.Add(1) < attempts {
			cut()
		}
		fmt.Fprint(w, `{"email":"a@example.com"}`)
	})
	if got, err := c.Account(t.Context()); err != nil || got.Email != "a@example.com" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAnswersOfOthers(t *testing.T) {
	for status, code := range map[int]Code{401: Unauthenticated, 403: Forbidden, 404: NotFound, 413: TooLarge, 502: Internal} {
		c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>a router speaks", status)
		})
		c.patience = 0
		_, err := c.Account(t.Context())
		var p *Problem
		if !errors.As(err, &p) || p.Code != code || p.Status != status || strings.Contains(p.Detail, "<html>") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// TestControlPlaneThatIsReplaced holds that a request outlives the moment in which
// the router knows no instance, even one that may not be sent twice.
func TestControlPlaneThatIsReplaced(t *testing.T) {
	var asked atomic.Int32
	c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			http.Error(w, "404 page not found", http.StatusNotFound)
			return
		}
		w.Header().Set("X-Request-Id", "r")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{}`)
	})
	if _, err := c.CreateProject(t.Context(), "shop"); err != nil || asked.Load() != 3 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

func TestPushThatIsCut(t *testing.T) {
	for name, body := range map[string]string{
		"after an event":  `{"phase":{"name":"compile"}}` + "\n\n\n",
		"within an event": `{"phase":{"name":"compile"}}` + "\n" + `{"pha`,
		"by nonsense":     `{"phase":{"name":"compile"}}` + "\n<html>",
	} {
		c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
		s, err := c.Push(t.Context(), "p", PushRequest{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if e, err := s.Next(); err != nil || e.Phase == nil {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
		if _, err := s.Next(); !errors.Is(err, ErrPushCut) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewClientRefuses(t *testing.T) {
	for _, url := range []string{"", "api.example.com", "ftp://x", "https://", "https://a b"} {
		if _, err := NewClient(url, "", "", ""); err == nil {
			t.Errorf("took %q", url)
		}
	}
}
