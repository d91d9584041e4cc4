package logroutes

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
)

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
