package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

// TestFollowOverALostConnection shows each line once, with those that came while there
// was no connection.
func TestFollowOverALostConnection(t *testing.T) {
	begin := time.Now().UTC().Truncate(time.Millisecond)
	line := func(i int) api.LogLine {
		return api.LogLine{Time: begin.Add(time.Duration(i) * time.Millisecond), Level: "INFO", Message: "line " + strconv.Itoa(i)}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	asked := 0
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		q := r.URL.Query()
		out := json.NewEncoder(w)
		switch asked {
		case 1:
			_ = out.Encode(line(0))
			_ = out.Encode(line(1))
			_, _ = w.Write([]byte("\n")) // all has been told
		case 2: // the router knows no control plane
			w.WriteHeader(http.StatusBadGateway)
		case 3:
			since, err := time.Parse(time.RFC3339Nano, q.Get("since"))
			if err != nil || since.After(begin) || since.Before(begin.Add(-2*overlap)) || q.Get("limit") != "0" || q.Get("follow") != "true" {
				t.Errorf("it goes on by %s", r.URL.RawQuery)
			}
			for i := range 3 { // two of them again
				_ = out.Encode(line(i))
			}
		default:
			cancel()
		}
	}))
	defer ts.Close()
	client, err := api.NewClient(ts.URL, "", "", "test")
	if err != nil {
		t.Fatal(err)
	}
	var out, said bytes.Buffer
	defer func() { t.Log(said.String()) }()
	l := &logReader{
		App: &command.App{Env: command.Env{IO: &term.IO{Out: &out, Err: &said}}}, client: client, project: "shop", q: api.LogQuery{Follow: true, Limit: 10},
	}
	if err := l.read(ctx); err == nil {
		t.Error("it ended by itself")
	}
	for i := range 3 {
		if n := strings.Count(out.String(), "line "+strconv.Itoa(i)+"\n"); n != 1 {
			t.Errorf("line %d is shown %d times:\n%s", i, n, out.String())
		}
	}
}

// TestFollowBeforeTheHistory asks again for what was there before, when the connection
// ended in the middle of it.
func TestFollowBeforeTheHistory(t *testing.T) {
	begin := time.Now().UTC()
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int32
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); n > 2 {
			cancel()
		} else {
			if r.URL.Query().Get("limit") != "10" || r.URL.Query().Get("since") != "" {
				t.Errorf("number %d asks for %s", n, r.URL.RawQuery)
			}
			for i := range n {
				_ = json.NewEncoder(w).Encode(api.LogLine{Time: begin, Message: "line " + strconv.Itoa(int(i))})
			}
		}
	}))
	defer ts.Close()
	client, err := api.NewClient(ts.URL, "", "", "test")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	l := &logReader{
		App: &command.App{Env: command.Env{IO: &term.IO{Out: &out, Err: io.Discard}}}, client: client, project: "shop", q: api.LogQuery{Follow: true, Limit: 10},
	}
	if err := l.read(ctx); err == nil {
		t.Error("it ended by itself")
	}
	if got := strings.Count(out.String(), "\n"); got != 2 {
		t.Errorf("of 2 lines there are %d:\n%s", got, out.String())
	}
}
