package logroutes_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
	"fngen.dev/fngen/pkg/logs/logstest"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/server/servertest"
)

// logged is a platform that keeps logs, with a project.
func withLogs(t *testing.T) (*servertest.Platform, *api.Client, *logstest.Shelf, string) {
	t.Helper()
	p, c := servertest.WithShop(t)
	b := logstest.New()
	p.Restart(func(o *server.Options) { o.Logs, o.LastLogs, o.Origins = b, b, p.Nomad })
	row, err := p.Store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	return p, c, b, logs.Tenant("shop", row.ID)
}

func packed(t *testing.T, lines ...any) *bytes.Reader {
	t.Helper()
	var text []byte
	for _, l := range lines {
		one, isText := l.(string)
		if !isText {
			b, err := json.Marshal(l)
			if err != nil {
				t.Fatal(err)
			}
			one = string(b)
		}
		text = append(text, one+"\n"...)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(z.EncodeAll(text, nil))
}

func read(t *testing.T, c *api.Client, project string, q api.LogQuery) []api.LogLine {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	s, err := c.Logs(t.Context(), project, q)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out []api.LogLine
	for {
		line, err := s.Next()
		if err != nil {
			return out
		}
		out = append(out, line)
	}
}

func TestLogDoor(t *testing.T) {
	p, c, b, tenant := withLogs(t)
	now := time.Now().Truncate(time.Microsecond)
	// Where an entry comes from is not the agent's to say.
	lie := fmt.Sprintf(`{"ts":%d,"stream":"stdout","level":"ERROR","message":"hello","request_id":"r1","task_id":"not one","power":"platform","function":"other","tenant":"bank"}`, now.UnixNano())
	odd := `{"ts":-5,"stream":"x","level":"x","message":"odd \u0000"}`
	resp, text := p.AgentRequest(t, "POST", "/v1/agent/logs", "shop", "web-live_app", packed(t, lie, odd))
	if resp.StatusCode != http.StatusOK || strings.TrimSpace(string(text)) != `{"dropped":0}` {
		t.Fatalf("%s %s", resp.Status, text)
	}
	want := api.LogLine{
		Time: now.UTC(), Level: "ERROR", Stream: "stdout", Message: "hello", RequestID: "r1", Power: "webapp", Function: "live_app", Server: "default", Instance: "alloc",
	}
	got := read(t, c, "shop", api.LogQuery{})
	if len(got) != 2 {
		t.Fatalf("got %+v", got)
	}
	want.Instance = got[0].Instance
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	if got[1].Level != "INFO" || got[1].Stream != "stderr" || time.Since(got[1].Time) > time.Hour {
		t.Errorf("got %+v", got[1])
	}
	if len(b.Lines) != 1 || len(b.Lines[tenant]) != 2 {
		t.Errorf("tenants are %v", b.Lines)
	}
	b.Away = true
	if resp, _ := p.AgentRequest(t, "POST", "/v1/agent/logs", "shop", "web-live_app", packed(t, lie)); resp.StatusCode != http.StatusServiceUnavailable || len(b.Kept) > 0 {
		t.Errorf("while it is away: %s", resp.Status)
	}
	if resp, _ := p.AgentRequest(t, "POST", "/v1/agent/logs?last=true", "shop", "web-live_app", packed(t, lie)); resp.StatusCode != http.StatusOK || !slices.Equal(b.Kept, []string{tenant}) {
		t.Errorf("the last ones while it is away: %s, kept of %q", resp.Status, b.Kept)
	}
	if _, err := c.Logs(t.Context(), "shop", api.LogQuery{Limit: 1}); err == nil || !strings.Contains(err.Error(), "cannot read logs just now") {
		t.Errorf("reading while it is away: %v", err)
	}
}

func TestLogDoorRefuses(t *testing.T) {
	p, _, b, _ := withLogs(t)
	good := packed(t, api.LogEntry{Message: "x"})
	ask := func(job string, body *bytes.Reader) int {
		resp, _ := p.AgentRequest(t, "POST", "/v1/agent/logs", "shop", job, body)
		return resp.StatusCode
	}
	if got := ask("web-other", good); got != http.StatusUnauthorized {
		t.Errorf("an allocation of no such job: %d", got)
	}
	if got := ask("web-live_app", bytes.NewReader([]byte("not packed"))); got != http.StatusBadRequest {
		t.Errorf("what is not packed: %d", got)
	}
	if got := ask("web-live_app", packed(t, "not JSON")); got != http.StatusBadRequest {
		t.Errorf("what is no entry: %d", got)
	}
	if got := ask("web-live_app", packed(t, api.LogEntry{Message: strings.Repeat("x", 256<<10)})); got != http.StatusRequestEntityTooLarge {
		t.Errorf("an entry that is too long: %d", got)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/v1/agent/logs", packed(t, api.LogEntry{Message: "x"}))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || len(b.Lines) > 0 {
		t.Errorf("a person's key: %s; kept %v", resp.Status, b.Lines)
	}
}

func TestLogsAreOnesOwn(t *testing.T) {
	p, _, _, _ := withLogs(t)
	stranger, _ := p.Account(t, "stranger@example.com")
	_, err := stranger.Logs(t.Context(), "shop", api.LogQuery{Limit: 1})
	problem, is := errors.AsType[*api.Problem](err)
	if !is || problem.Code != api.NotFound {
		t.Errorf("a stranger gets %v", err)
	}
}

func TestRejectedLogs(t *testing.T) {
	p, _, b, _ := withLogs(t)
	b.Rejects = 2
	for range 2 { // it is told once a minute
		resp, text := p.AgentRequest(t, "POST", "/v1/agent/logs", "shop", "web-live_app", packed(t, api.LogEntry{Time: 1, Message: "x"}))
		if resp.StatusCode != http.StatusOK || strings.TrimSpace(string(text)) != `{"dropped":2}` {
			t.Errorf("%s %s", resp.Status, text)
		}
	}
	if want := []string{"2 entries of the log were dropped: they came too late to be stored"}; !slices.Equal(b.Told, want) {
		t.Errorf("told is %q", b.Told)
	}
}

// TestFollow reads on over the history while lines come.
func TestFollow(t *testing.T) {
	p, _, b, tenant := withLogs(t)
	l, err := server.Start(t.Context(), "127.0.0.1:0", p.Server(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	p.URL = "http://" + l.Address()
	c := p.Client(t, p.Key)
	now := time.Now()
	b.Lines[tenant] = []api.LogLine{{Time: now.Add(-time.Minute), Message: "0"}, {Time: now, Message: "1"}}
	s, err := c.Logs(t.Context(), "shop", api.LogQuery{Limit: 10, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 6 {
		line, err := s.Next()
		if err != nil || line.Message != fmt.Sprint(i) {
			t.Fatalf("number %d is %q, %v", i, line.Message, err)
		}
		if i > 0 {
			b.Add(tenant, api.LogLine{Time: now.Add(time.Duration(i)), Message: fmt.Sprint(i + 1)})
		}
	}
	if err := l.Stop(t.Context()); err != nil { // which waits for the answers that go on
		t.Error(err)
	}
	for {
		if _, err := s.Next(); err != nil {
			break
		}
	}
}
