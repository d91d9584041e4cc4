package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
)

// bookshelf keeps logs in memory, as far as the server knows of it. pkg/logs asks a real
// Loki.
type bookshelf struct {
	mu    sync.Mutex
	lines map[string][]api.LogLine // by tenant
	away  bool
	notes []logs.Late
	// rejects is how many of each batch are not taken.
	rejects int
	most    int      // of one answer, 0 for any
	kept    []string // tenants of what was kept for later
	told    []string
}

func (b *bookshelf) Push(_ context.Context, tenant string, from logs.Origin, entries []api.LogEntry) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return 0, logs.ErrAway
	}
	for _, e := range entries {
		b.lines[tenant] = append(b.lines[tenant], api.LogLine{
			Time: time.Unix(0, e.Time).UTC(), Level: e.Level, Stream: e.Stream, Message: e.Message, RequestID: e.RequestID, TaskID: e.TaskID,
			Power: from.Power, Function: from.Function, Server: from.Server, Instance: from.Instance,
		})
	}
	return b.rejects, nil
}

func (b *bookshelf) Range(_ context.Context, tenant string, _ api.LogQuery, begin, end time.Time) ([]api.LogLine, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return nil, false, logs.ErrAway
	}
	var out []api.LogLine
	for _, l := range b.lines[tenant] {
		if !l.Time.Before(begin) && l.Time.Before(end) {
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(x, y api.LogLine) int { return x.Time.Compare(y.Time) })
	if b.most > 0 && len(out) > b.most {
		return out[:b.most], false, nil
	}
	return out, true, nil
}

func (b *bookshelf) Late(_ context.Context, _ string, begin, end time.Time) (out []logs.Late, all bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return nil, false, logs.ErrAway
	}
	for _, n := range b.notes {
		if !n.Noted.Before(begin) && n.Noted.Before(end) {
			out = append(out, n)
		}
	}
	return out, true, nil
}

func (b *bookshelf) LateLines(ctx context.Context, tenant string, q api.LogQuery, n logs.Late) ([]api.LogLine, bool, error) {
	lines, all, err := b.Range(ctx, tenant, q, n.From, n.To.Add(1))
	return slices.DeleteFunc(lines, func(l api.LogLine) bool { return l.Instance != n.Instance }), all, err
}

func (b *bookshelf) History(ctx context.Context, tenant string, q api.LogQuery) ([]api.LogLine, error) {
	out, _, err := b.Range(ctx, tenant, q, q.Since, q.Until)
	return out[max(0, len(out)-q.Limit):], err
}

func (b *bookshelf) Keep(tenant string, _ logs.Origin, _ []api.LogEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, tenant)
	return nil
}

func (b *bookshelf) Say(_ string, _ logs.Origin, _, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, text)
}

// Arguments is what Nomad says of allocations.
func (n *nomadKeys) Arguments(_ context.Context, _, job, id string) ([]string, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken.Load() {
		return nil, false, errors.New("no leader")
	}
	args := []string{"serve", "--function=live_app", "--power=webapp", "--server=default", "--release=3"}
	if job != "web-live_app" {
		return nil, false, nil
	}
	return args, !n.ended[id], nil
}

// logged is a platform that keeps logs, with a project.
func withLogs(t *testing.T) (*platform, *api.Client, *bookshelf, string) {
	t.Helper()
	p, c := projectOf(t)
	b := &bookshelf{lines: map[string][]api.LogLine{}}
	p.server.Logs, p.server.LastLogs, p.server.Origins = b, b, p.nomad
	row, err := p.store.ProjectByName(t.Context(), "shop")
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
	resp, text := p.agentRequest(t, "POST", "/v1/agent/logs", "shop", "web-live_app", packed(t, lie, odd))
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
	if len(b.lines) != 1 || len(b.lines[tenant]) != 2 {
		t.Errorf("tenants are %v", b.lines)
	}
	b.away = true
	if resp, _ := p.agentRequest(t, "POST", "/v1/agent/logs", "shop", "web-live_app", packed(t, lie)); resp.StatusCode != http.StatusServiceUnavailable || len(b.kept) > 0 {
		t.Errorf("while it is away: %s", resp.Status)
	}
	if resp, _ := p.agentRequest(t, "POST", "/v1/agent/logs?last=true", "shop", "web-live_app", packed(t, lie)); resp.StatusCode != http.StatusOK || !slices.Equal(b.kept, []string{tenant}) {
		t.Errorf("the last ones while it is away: %s, kept of %q", resp.Status, b.kept)
	}
	if _, err := c.Logs(t.Context(), "shop", api.LogQuery{Limit: 1}); err == nil || !strings.Contains(err.Error(), "cannot read logs just now") {
		t.Errorf("reading while it is away: %v", err)
	}
}

func TestLogDoorRefuses(t *testing.T) {
	p, _, b, _ := withLogs(t)
	good := packed(t, api.LogEntry{Message: "x"})
	ask := func(job string, body *bytes.Reader) int {
		resp, _ := p.agentRequest(t, "POST", "/v1/agent/logs", "shop", job, body)
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
	if got := ask("web-live_app", packed(t, api.LogEntry{Message: strings.Repeat("x", maxLogLine)})); got != http.StatusRequestEntityTooLarge {
		t.Errorf("an entry that is too long: %d", got)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/v1/agent/logs", packed(t, api.LogEntry{Message: "x"}))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || len(b.lines) > 0 {
		t.Errorf("a person's key: %s; kept %v", resp.Status, b.lines)
	}
}

func TestLogsAreOnesOwn(t *testing.T) {
	p, _, _, _ := withLogs(t)
	stranger, _ := p.account(t, "stranger@example.com")
	_, err := stranger.Logs(t.Context(), "shop", api.LogQuery{Limit: 1})
	problem, is := errors.AsType[*api.Problem](err)
	if !is || problem.Code != api.NotFound {
		t.Errorf("a stranger gets %v", err)
	}
}

func TestLogQuota(t *testing.T) {
	now := time.Now()
	q := newLogQuota(24 * 1000)
	q.now = func() time.Time { return now }
	entry := api.LogEntry{Message: strings.Repeat("x", 900)}
	fit, dropped, told := q.take("a", slices.Repeat([]api.LogEntry{entry}, 30))
	if len(fit) != 25 || dropped != 5 || !strings.Contains(told, "5 entries of the log were dropped") {
		t.Errorf("%d fit, %d do not; told %q", len(fit), dropped, told)
	}
	if fit, _, told := q.take("a", []api.LogEntry{entry}); len(fit) != 0 || told != "" {
		t.Errorf("at once again %d fit; told %q", len(fit), told)
	}
	if fit, _, _ := q.take("b", []api.LogEntry{entry}); len(fit) != 1 {
		t.Error("another project's is used up too")
	}
	now = now.Add(3 * time.Hour)
	if fit, dropped, told := q.take("a", slices.Repeat([]api.LogEntry{entry}, 10)); len(fit) != 3 || dropped != 7 || !strings.Contains(told, "8 entries") {
		t.Errorf("after three hours %d fit, %d do not; told %q", len(fit), dropped, told)
	}
}

func TestRejectedLogs(t *testing.T) {
	p, _, b, _ := withLogs(t)
	b.rejects = 2
	for range 2 { // it is told once a minute
		resp, text := p.agentRequest(t, "POST", "/v1/agent/logs", "shop", "web-live_app", packed(t, api.LogEntry{Time: 1, Message: "x"}))
		if resp.StatusCode != http.StatusOK || strings.TrimSpace(string(text)) != `{"dropped":2}` {
			t.Errorf("%s %s", resp.Status, text)
		}
	}
	if want := []string{"2 entries of the log were dropped: they came too late to be stored"}; !slices.Equal(b.told, want) {
		t.Errorf("told is %q", b.told)
	}
}

func TestReadLogQuery(t *testing.T) {
	now := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	q, err := readLogQuery(url.Values{"level": {"warn"}, "since": {"2026-01-31T09:00:00Z"}, "limit": {"5"}, "text": {"`\""}}, now)
	want := api.LogQuery{Level: "WARNING", Since: now.Add(-time.Hour), Until: now.Add(time.Minute), Limit: 5, Text: "`\""}
	if diff := cmp.Diff(want, q); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	// 2026-01-31T09:30:00Z in milliseconds, as the ids of tasks have it.
	for id, since := range map[string]time.Time{
		"019c1363-49c0-7abc-8abc-0123456789ab": now.Add(-35 * time.Minute),           // of now.Add(-30 * time.Minute)
		"019c1363-49c0-4abc-8abc-0123456789ab": now.Add(time.Minute).Add(-usualSpan), // of another version
		"t-1":                                  now.Add(time.Minute).Add(-usualSpan),
	} {
		if q, err := readLogQuery(url.Values{"task_id": {id}}, now); err != nil || !q.Since.Equal(since) {
			t.Errorf("%s: since %s, not %s, %v", id, q.Since, since, err)
		}
	}
	if q, err := readLogQuery(url.Values{"task_id": {"019c1363-49c0-7abc-8abc-0123456789ab"}, "since": {"2026-01-31T09:59:00Z"}}, now); err != nil || !q.Since.Equal(now.Add(-time.Minute)) {
		t.Errorf("what is asked for is later: since %s, %v", q.Since, err)
	}
	for name, value := range map[string]string{
		"level": "loud", "limit": "-1", "since": "yesterday", "function": "a\"b", "power": "x|y", "task_id": "a b", "request_id": "`", "text": "\xff",
	} {
		if _, err := readLogQuery(url.Values{name: {value}}, now); err == nil {
			t.Errorf("%s=%s is taken", name, value)
		}
	}
}

// TestFollow reads on over the history while lines come.
func TestFollow(t *testing.T) {
	p, c, b, tenant := withLogs(t)
	now := time.Now()
	b.lines[tenant] = []api.LogLine{{Time: now.Add(-time.Minute), Message: "0"}, {Time: now, Message: "1"}}
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
			b.mu.Lock()
			b.lines[tenant] = append(b.lines[tenant], api.LogLine{Time: now.Add(time.Duration(i)), Message: fmt.Sprint(i + 1)})
			b.mu.Unlock()
		}
	}
	p.server.end() // as when the control plane stops
	for {
		if _, err := s.Next(); err != nil {
			break
		}
	}
}

// FuzzReadEntries reads bodies of any kind.
func FuzzReadEntries(f *testing.F) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(z.EncodeAll([]byte(`{"ts":1,"message":"x","access":{"status":1}}`+"\n"), nil), true)
	f.Add([]byte(`{"ts":1,"message":"\ud800"}`), false)
	f.Fuzz(func(t *testing.T, body []byte, whole bool) {
		if !whole {
			body = z.EncodeAll(body, nil)
		}
		entries, err := readEntries(bytes.NewReader(body), time.Now())
		for _, e := range entries {
			if _, failed := json.Marshal(e); err == nil && (failed != nil || !logs.ValidLevel(e.Level) || e.Time <= 0) {
				t.Errorf("%+v", e)
			}
		}
	})
}
