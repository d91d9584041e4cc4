package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs/lokitest"
)

var web = Origin{Power: "webapp", Function: "live_app", Server: "default", Release: "3", Instance: "0123abcd"}

func start(t *testing.T) (*lokitest.Server, *Loki) {
	t.Helper()
	s := lokitest.Start(t)
	l, err := New(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	return s, l
}

func push(t *testing.T, l *Loki, tenant string, from Origin, entries ...api.LogEntry) {
	t.Helper()
	if n, err := l.Push(t.Context(), tenant, from, entries); n != 0 || err != nil {
		t.Fatalf("%d rejected, %v", n, err)
	}
}

func said(at time.Time, level, message string) api.LogEntry {
	return api.LogEntry{Time: at.UnixNano(), Stream: "stdout", Level: level, Message: message}
}

func messages(lines []api.LogLine) []string {
	out := []string{}
	for _, l := range lines {
		out = append(out, l.Message)
	}
	return out
}

// TestLoki asks a real one.
func TestLoki(t *testing.T) {
	s, l := start(t)
	now := time.Now().Truncate(time.Microsecond)
	whole := api.LogQuery{Since: now.Add(-time.Hour), Until: now.Add(time.Minute), Limit: 100}
	t.Run("a line comes back as it was", func(t *testing.T) {
		e := api.LogEntry{
			Time: now.UnixNano(), Stream: "stderr", Level: "ERROR", Message: "two\nlines \u202e\x1b[31m \"`{}", TaskID: "t1", RequestID: "r1", Logger: "app",
			Error: "0123456789abcdef", Access: &api.LogAccess{Method: "GET", Path: "/ä?", Status: 500, Duration: 1.25},
		}
		push(t, l, "a.1", web, e)
		got, err := l.History(t.Context(), "a.1", whole)
		want := []api.LogLine{{
			Time: now.UTC(), Stream: "stderr", Level: "ERROR", Message: e.Message, TaskID: "t1", RequestID: "r1", Logger: "app", Error: e.Error, Access: e.Access,
			Power: "webapp", Function: "live_app", Server: "default", Release: 3, Instance: "0123abcd",
		}}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		push(t, l, "a.1", web, e)
		if again, err := l.History(t.Context(), "a.1", whole); err != nil || len(again) != 1 {
			t.Errorf("sent again it is there %d times, %v", len(again), err)
		}
	})
	t.Run("conditions", func(t *testing.T) { conditions(t, l, now, whole) })
	t.Run("pages", func(t *testing.T) { pages(t, l, now) })
	t.Run("large lines", func(t *testing.T) { large(t, l, now) })
	t.Run("injection", func(t *testing.T) { injection(t, l, now, whole) })
	t.Run("tenants are apart", func(t *testing.T) {
		if got, err := l.History(t.Context(), "a.2", whole); err != nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
	})
	t.Run("too old", func(t *testing.T) {
		n, err := l.Push(t.Context(), "old.1", web, []api.LogEntry{said(now.Add(-30*24*time.Hour), "INFO", "old"), said(now, "INFO", "new")})
		got, _ := l.History(t.Context(), "old.1", whole)
		if n != 1 || err != nil || !slices.Equal(messages(got), []string{"new"}) {
			t.Errorf("%d rejected, %v; kept %q", n, err, messages(got))
		}
	})
	t.Run("late", func(t *testing.T) { lateOnes(t, l, now, whole) })
	t.Run("forget", func(t *testing.T) {
		gone, err := l.Forget(t.Context(), "a.1")
		if err != nil || gone.Before(time.Now().Add(12*time.Hour)) {
			t.Fatalf("it is gone at %s, %v", gone, err)
		}
		asked, err := l.do(t.Context(), "a.1", http.MethodGet, "/loki/api/v1/delete", nil, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		var requests []struct {
			Query, Status string
			Start         int64 `json:"start_time"`
		}
		if err := json.Unmarshal(asked, &requests); err != nil {
			t.Fatalf("%v: %s", err, asked)
		}
		var queries []string
		for _, r := range requests {
			if queries = append(queries, r.Query); r.Status != "received" {
				t.Errorf("%+v", r)
			}
		}
		slices.Sort(queries)
		if want := []string{`{late="true"}`, `{power=~".+"}`}; !slices.Equal(queries, want) {
			t.Errorf("it is to delete %q: %s", queries, asked)
		}
	})
	t.Run("away", func(t *testing.T) { relayOver(t, s, l, now) })
}

func conditions(t *testing.T, l *Loki, now time.Time, whole api.LogQuery) {
	task := Origin{Power: "task_worker", Function: "send", Server: "default", Release: "3", Instance: "4567abcd"}
	for i, e := range []api.LogEntry{said(now, "DEBUG", "d"), said(now, "INFO", "i needle"), said(now, "WARNING", "w"), said(now, "ERROR", "e"), said(now, "CRITICAL", "c")} {
		e.Time += int64(i)
		if i == 1 {
			e.RequestID = "r-1"
		}
		push(t, l, "c.1", web, e)
	}
	mine := said(now.Add(time.Second), "INFO", "of a task")
	mine.TaskID = "t-1"
	push(t, l, "c.1", task, mine)
	own := said(now.Add(2*time.Second), "INFO", "of the platform")
	own.Platform = true
	push(t, l, "c.1", web, own)
	for name, test := range map[string]struct {
		q    api.LogQuery
		want []string
	}{
		"level":    {api.LogQuery{Level: "ERROR"}, []string{"e", "c"}},
		"warning":  {api.LogQuery{Level: "WARNING"}, []string{"w", "e", "c"}},
		"debug":    {api.LogQuery{Level: "DEBUG"}, []string{"d", "i needle", "w", "e", "c", "of a task", "of the platform"}},
		"power":    {api.LogQuery{Power: "task_worker"}, []string{"of a task"}},
		"platform": {api.LogQuery{Power: "platform"}, []string{"of the platform"}},
		"function": {api.LogQuery{Function: "send"}, []string{"of a task"}},
		"task":     {api.LogQuery{TaskID: "t-1"}, []string{"of a task"}},
		"request":  {api.LogQuery{RequestID: "r-1"}, []string{"i needle"}},
		"text":     {api.LogQuery{Text: "need"}, []string{"i needle"}},
		"two":      {api.LogQuery{Text: "need", Level: "ERROR"}, []string{}},
		"limit":    {api.LogQuery{Limit: 2}, []string{"of a task", "of the platform"}},
		"until":    {api.LogQuery{Until: now.Add(2)}, []string{"d", "i needle"}},
	} {
		q := test.q
		q.Since = whole.Since
		if q.Until.IsZero() {
			q.Until = whole.Until
		}
		if q.Limit == 0 {
			q.Limit = 100
		}
		got, err := l.History(t.Context(), "c.1", q)
		if diff := cmp.Diff(test.want, messages(got)); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

// pages reads more than one answer holds, of which many have one time.
func pages(t *testing.T, l *Loki, now time.Time) {
	const n = 2*page + 500
	var batch []api.LogEntry
	want := []string{}
	for i := range n {
		at := now.Add(time.Duration(i/3) * time.Microsecond) // three share a time
		batch, want = append(batch, said(at, "INFO", fmt.Sprintf("%06d", i))), append(want, fmt.Sprintf("%06d", i))
	}
	push(t, l, "p.1", web, batch...)
	q := api.LogQuery{Since: now.Add(-time.Hour), Until: now.Add(time.Minute), Limit: n + 10}
	for name, read := range map[string]func() ([]api.LogLine, error){
		"history": func() ([]api.LogLine, error) { return l.History(t.Context(), "p.1", q) },
		"range": func() ([]api.LogLine, error) {
			got, _, err := l.Range(t.Context(), "p.1", q, q.Since, q.Until)
			return got, err
		},
	} {
		got, err := read()
		texts := messages(got)
		slices.Sort(texts) // those of one time have no order
		if diff := cmp.Diff(len(want), len(texts)); err != nil || diff != "" || !slices.Equal(texts, want) {
			t.Errorf("%s: %v; %d of %d", name, err, len(texts), len(want))
		}
	}
	q.Limit = page + 100
	if got, err := l.History(t.Context(), "p.1", q); err != nil || len(got) != q.Limit || got[len(got)-1].Time.Before(got[0].Time) {
		t.Errorf("%d of %d, %v", len(got), q.Limit, err)
	}
}

// large reads lines of which not many fit into an answer.
func large(t *testing.T, l *Loki, now time.Time) {
	small := *l // a real one would take this test a minute on a busy machine
	small.answer, small.found = l.answer/16, l.found/16
	l = &small
	const n = 500
	fill := strings.Repeat("x", 60_000/16)
	for i := range n {
		push(t, l, "l.1", web, said(now.Add(time.Duration(i)), "INFO", fmt.Sprintf("%06d%s", i, fill)))
	}
	q := api.LogQuery{Since: now.Add(-time.Hour), Until: now.Add(time.Minute), Limit: 5000}
	got, err := l.History(t.Context(), "l.1", q)
	if err != nil || len(got) < 200 || len(got) > 500 || !strings.HasPrefix(got[len(got)-1].Message, fmt.Sprintf("%06d", n-1)) {
		t.Errorf("the newest are %d, %v", len(got), err)
	}
	first, all, err := l.Range(t.Context(), "l.1", q, q.Since, q.Until)
	if err != nil || all || len(first) < 200 {
		t.Fatalf("the first are %d, all: %t, %v", len(first), all, err)
	}
	rest, _, err := l.Range(t.Context(), "l.1", q, first[len(first)-1].Time, q.Until)
	if err != nil || rest[0].Message != first[len(first)-1].Message {
		t.Errorf("going on: %d, %v", len(rest), err)
	}
}

// injection gives values that would end a text of a query in it.
func injection(t *testing.T, l *Loki, now time.Time, whole api.LogQuery) {
	for _, evil := range []string{"`", "x` or `", "\"", `\"`, "x\" | line_format \"evil", "x` | line_format `evil", "}", "a\nb", "\\", "\u202e", "\x00", "| json"} {
		push(t, l, "i.1", web, said(now, "INFO", "a line with "+evil+" in it"))
		for _, q := range []api.LogQuery{{Text: evil}, {Text: "no such " + evil}, {Function: evil}, {Power: evil}, {TaskID: evil}, {RequestID: evil}} {
			q.Since, q.Until, q.Limit = whole.Since, whole.Until, 100
			got, err := l.History(t.Context(), "i.1", q)
			if err != nil {
				t.Errorf("%+v: %v", q, err)
			}
			if want := q.Text == evil; len(got) > 0 != want {
				t.Errorf("%+v finds %q", q, messages(got))
			}
			for _, line := range got {
				if !strings.HasPrefix(line.Message, "a line with ") {
					t.Errorf("%+v made %q of a line", q, line.Message)
				}
			}
		}
	}
}

// lateOnes pushes what is old, as an agent does that could not send it.
func lateOnes(t *testing.T, l *Loki, now time.Time, whole api.LogQuery) {
	other := Origin{Power: "webapp", Function: "live_app", Server: "default", Release: "3", Instance: "89abcdef"}
	old := now.Add(-20 * time.Minute)
	push(t, l, "late.1", web, said(time.Now(), "INFO", "in time"))
	push(t, l, "late.1", other, said(old.Add(1), "INFO", "of another"))
	push(t, l, "late.1", web, said(old, "INFO", "first"), said(old.Add(2), "INFO", "second"), said(time.Now(), "INFO", "in time too"))
	push(t, l, "late.1", Origin{Power: PowerPlatform}, said(old.Add(1), "INFO", "of the platform"))
	notes, all, err := l.Late(t.Context(), "late.1", whole.Since, whole.Until)
	if err != nil || !all || len(notes) != 3 {
		t.Fatalf("notes are %+v, all: %t, %v", notes, all, err)
	}
	for i, want := range [][]string{{"of another"}, {"first", "second"}, {"of the platform"}} {
		n := notes[i]
		if n.Noted.Before(now) || n.Noted.After(time.Now()) {
			t.Errorf("noted at %s", n.Noted)
		}
		lines, all, err := l.LateLines(t.Context(), "late.1", api.LogQuery{}, n)
		if diff := cmp.Diff(want, messages(lines)); err != nil || !all || diff != "" {
			t.Errorf("%+v: %v %s", n, err, diff)
		}
	}
	if got, err := l.History(t.Context(), "late.1", whole); err != nil || len(got) != 6 {
		t.Errorf("with notes among them: %q, %v", messages(got), err)
	}
	if notes, _, err := l.Late(t.Context(), "a.1", whole.Since, whole.Until); err != nil || len(notes) != 0 {
		t.Errorf("another has %+v, %v", notes, err)
	}
}

// relayOver has lines wait while Loki is away.
func relayOver(t *testing.T, s *lokitest.Server, l *Loki, now time.Time) {
	dir := t.TempDir()
	r, err := OpenRelay(dir, l, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if _, err := l.Push(t.Context(), "r.1", web, []api.LogEntry{said(now, "INFO", "x")}); !errors.Is(err, ErrAway) {
		t.Errorf("with nobody there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { r.Run(ctx); close(ended) }()
	if err := r.Keep("r.1", web, []api.LogEntry{said(now, "INFO", "first"), said(now.Add(1), "INFO", "second")}); err != nil {
		t.Fatal(err)
	}
	r.Say("r.1", Origin{Function: "live_app"}, "INFO", "of the platform")
	// The control plane dies too.
	cancel()
	<-ended
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	s.Up(t)
	if r, err = OpenRelay(dir, l, slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	ended = make(chan struct{})
	go func() { r.Run(ctx); close(ended) }()
	defer func() { cancel(); <-ended; r.Close() }()
	q := api.LogQuery{Since: now.Add(-time.Hour), Until: now.Add(time.Hour), Limit: 10}
	var got []api.LogLine
	for deadline := time.Now().Add(2 * time.Minute); len(got) < 3 && time.Now().Before(deadline); {
		if got, err = l.History(t.Context(), "r.1", q); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"first", "second", "of the platform"}; !slices.Equal(messages(got), want) {
		t.Errorf("got %q", messages(got))
	}
}

func TestAddress(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1:3100", "file:///x", "http://"} {
		if _, err := New(bad); err == nil {
			t.Errorf("%q is taken for an address", bad)
		}
	}
}

// FuzzSelector holds that a value is one text of the query, whatever it is.
func FuzzSelector(f *testing.F) {
	for _, s := range []string{"x", "`", `"`, `\"`, "a\nb", "\xff", "\u202e\x00", "\" |= \""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" {
			return
		}
		empty := selector(api.LogQuery{Function: "X", TaskID: "X", RequestID: "X", Text: "X", Power: "X"})
		got := selector(api.LogQuery{Function: s, TaskID: s, RequestID: s, Text: s, Power: s})
		quoted := strconv.Quote(s)
		if got != strings.ReplaceAll(empty, `"X"`, quoted) || strings.ContainsAny(quoted, "\n`") && strings.Contains(quoted, "\n") {
			t.Errorf("%q", got)
		}
		if back, err := strconv.Unquote(quoted); err != nil || back != s {
			t.Errorf("%q becomes %q, %v", s, back, err)
		}
	})
}

// FuzzParse reads answers of any kind.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"data":{"result":[{"stream":{"level":"INFO"},"values":[["1","x",{"structuredMetadata":{"release":"1"}}],["2","y"]]}]}}`))
	f.Fuzz(func(_ *testing.T, body []byte) { _, _ = parse(body) })
}
