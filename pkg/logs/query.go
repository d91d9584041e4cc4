package logs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/api"
)

// page is the most lines of one answer, which Loki bounds.
const page = 5000

// levels, the least first.
var levels = []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}

// ValidLevel says whether there is such a level.
func ValidLevel(level string) bool { return slices.Contains(levels, level) }

// quote makes a value what it is in a query, whatever is in it: the one way in which a
// text of somebody's gets there.
func quote(s string) string { return strconv.Quote(s) }

// selector is the query for the lines that q asks for.
func selector(q api.LogQuery) string {
	match := []string{`power=~".+"`}
	if q.Power != "" {
		match = []string{"power=" + quote(q.Power)}
	}
	if q.Function != "" {
		match = append(match, "function="+quote(q.Function))
	}
	if i := slices.Index(levels, q.Level); i > 0 {
		match = append(match, "level=~"+quote(strings.Join(levels[i:], "|")))
	}
	out := "{" + strings.Join(match, ", ") + "}"
	if q.Text != "" {
		out += " |= " + quote(q.Text)
	}
	if q.TaskID != "" {
		out += " | task_id=" + quote(q.TaskID)
	}
	if q.RequestID != "" {
		out += " | request_id=" + quote(q.RequestID)
	}
	return out
}

// windows are how far back lines are looked for, step by step: the newest are mostly
// near, and a step that finds enough is the last.
var windows = []time.Duration{5 * time.Minute, time.Hour, 24 * time.Hour}

// History are the newest lines of a query, the oldest first: as many as it wants, or
// about 16 MB of them.
func (l *Loki) History(ctx context.Context, tenant string, q api.LogQuery) ([]api.LogLine, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	var out []api.LogLine // the newest first
	seen := map[api.LogKey]bool{}
	end, size, pages := q.Until, 0, pager{firstPage}
	for i := 0; i <= len(windows) && end.After(q.Since) && len(out) < q.Limit && size < l.found; i++ {
		begin := q.Since
		if i < len(windows) && q.Until.Add(-windows[i]).After(begin) {
			begin = q.Until.Add(-windows[i])
		}
		for len(out) < q.Limit && end.After(begin) && size < l.found {
			lines, whole, err := pages.some(ctx, l, tenant, selector(q), begin, end, q.Limit-len(out)+len(seen), "backward")
			if err != nil {
				return nil, err
			}
			oldest, fresh := end, 0
			for _, line := range lines {
				if k := api.KeyOf(line); !seen[k] && len(out) < q.Limit {
					seen[k] = true
					out, fresh, size = append(out, line), fresh+1, size+len(line.Message)
				}
				oldest = line.Time
			}
			if whole || fresh == 0 {
				break
			}
			// Others of the same moment may be missing: it is asked for again.
			end = oldest.Add(1)
			clear(seen)
			for _, line := range out {
				if line.Time.Equal(oldest) {
					seen[api.KeyOf(line)] = true
				}
			}
		}
		end = begin
		clear(seen)
	}
	slices.Reverse(out)
	return out, nil
}

// Range are the lines of a time, from its begin and before its end, the oldest first:
// all, or about 16 MB of them.
func (l *Loki) Range(ctx context.Context, tenant string, q api.LogQuery, begin, end time.Time) (out []api.LogLine, all bool, err error) {
	return l.between(ctx, tenant, selector(q), begin, end)
}

func (l *Loki) between(ctx context.Context, tenant, query string, begin, end time.Time) (out []api.LogLine, all bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	seen, size, pages := map[api.LogKey]bool{}, 0, pager{firstPage}
	for size < l.found {
		lines, whole, err := pages.some(ctx, l, tenant, query, begin, end, page, "forward")
		if err != nil {
			return nil, false, err
		}
		fresh := 0
		for _, line := range lines {
			if k := api.KeyOf(line); !seen[k] {
				seen[k] = true
				out, fresh, size = append(out, line), fresh+1, size+len(line.Message)
			}
		}
		if whole || fresh == 0 {
			return out, true, nil
		}
		begin = lines[len(lines)-1].Time
	}
	return out, false, nil
}

// firstPage is how many lines are asked for first: lines may be large, and each answer
// tells how many may be in the next.
const firstPage = 200

// pager asks for as many lines as fit into an answer.
type pager struct{ limit int }

// some are as many lines as one answer holds, at most those wanted; whole says that there
// are no more.
func (p *pager) some(ctx context.Context, l *Loki, tenant, query string, begin, end time.Time, wanted int, direction string) (lines []api.LogLine, whole bool, err error) {
	for {
		limit := min(p.limit, wanted)
		lines, size, err := l.lines(ctx, tenant, query, begin, end, limit, direction)
		switch {
		case errors.Is(err, errLarge) && limit > 1:
			p.limit = max(1, limit/8)
		case err == nil && size < l.answer/8:
			p.limit = min(page, 4*p.limit)
			return lines, len(lines) < limit, nil
		default:
			return lines, len(lines) < limit, err
		}
	}
}

// lines asks once, and returns the size of the answer.
func (l *Loki) lines(ctx context.Context, tenant, query string, begin, end time.Time, limit int, direction string) ([]api.LogLine, int, error) {
	select {
	case l.reading <- struct{}{}:
		defer func() { <-l.reading }()
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	body, err := l.do(ctx, tenant, http.MethodGet, "/loki/api/v1/query_range", url.Values{
		"query": {query}, "start": {nanoseconds(begin)}, "end": {nanoseconds(end)},
		"limit": {strconv.Itoa(limit)}, "direction": {direction},
	}, "", nil)
	if err != nil {
		return nil, 0, err
	}
	out, err := parse(body)
	if err != nil {
		return nil, 0, fmt.Errorf("read the answer of Loki: %w", err)
	}
	slices.SortStableFunc(out, func(a, b api.LogLine) int {
		c := cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano())
		if direction == "backward" {
			return -c
		}
		return c
	})
	return out, len(body), nil
}

func nanoseconds(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// answer is what query_range answers with, when labels are told apart from metadata.
type answer struct {
	Data struct {
		Result []struct {
			Stream map[string]string   `json:"stream"`
			Values [][]json.RawMessage `json:"values"`
		} `json:"result"`
	} `json:"data"`
}

func parse(body []byte) ([]api.LogLine, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, err
	}
	var out []api.LogLine
	for _, r := range a.Data.Result {
		for _, v := range r.Values {
			line, err := parseLine(r.Stream, v)
			if err != nil {
				return nil, err
			}
			out = append(out, line)
		}
	}
	return out, nil
}

// parseLine reads a time, a line and, where there is any, metadata.
func parseLine(labels map[string]string, v []json.RawMessage) (api.LogLine, error) {
	var stamp, message string
	var more struct {
		Metadata map[string]string `json:"structuredMetadata"`
	}
	if len(v) < 2 {
		return api.LogLine{}, fmt.Errorf("a line has %d parts", len(v))
	}
	if err := json.Unmarshal(v[0], &stamp); err != nil {
		return api.LogLine{}, err
	}
	if err := json.Unmarshal(v[1], &message); err != nil {
		return api.LogLine{}, err
	}
	if len(v) > 2 {
		if err := json.Unmarshal(v[2], &more); err != nil {
			return api.LogLine{}, err
		}
	}
	ns, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return api.LogLine{}, err
	}
	m := more.Metadata
	line := api.LogLine{
		Time: time.Unix(0, ns).UTC(), Message: message,
		Level: labels["level"], Power: labels["power"], Function: labels["function"], Server: labels["server"], Stream: labels["stream"],
		TaskID: m["task_id"], RequestID: m["request_id"], Instance: m["instance"], Logger: m["logger"], Error: m["error"],
	}
	line.Release, _ = strconv.Atoi(m["release"]) // 0 where it is not known
	if m["method"] != "" {
		line.Access = &api.LogAccess{Method: m["method"], Path: m["path"]}
		line.Access.Status, _ = strconv.Atoi(m["status"])
		line.Access.Duration, _ = strconv.ParseFloat(m["duration_ms"], 64)
	}
	return line, nil
}
