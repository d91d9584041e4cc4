package logroutes

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fngen.dev/fngen/pkg/api"
)

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
