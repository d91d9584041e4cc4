package logroutes

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
	"fngen.dev/fngen/pkg/logs/follow"
	"fngen.dev/fngen/pkg/server/peer"
)

const (
	// What one batch may be, packed, unpacked and in number. An agent sends a quarter of
	// a megabyte.
	maxLogBody  = 4 << 20
	maxLogBytes = 8 << 20
	maxLogBatch = 50_000
	maxLogLine  = 256 << 10
	maxLogText  = 200 << 10
)

// Put takes entries of an agent. From where they come is what Nomad says of it, and
// in whose log they go is what we make of that: nothing of it is the agent's to say.
func (l *Routes) Put(w http.ResponseWriter, r *http.Request) {
	receipt, err := l.takeLogs(r)
	if err != nil {
		l.Fail(w, r, err)
		return
	}
	l.JSON(w, receipt)
}

func (l *Routes) takeLogs(r *http.Request) (api.LogReceipt, error) {
	if err := l.haveLogs(); err != nil {
		return api.LogReceipt{}, api.NewProblem(api.NotFound, "%s", err)
	}
	p, from, err := l.origin(r)
	if err != nil {
		return api.LogReceipt{}, err
	}
	leave, err := l.batches.Enter(r.Context(), p.ID)
	if err != nil {
		return api.LogReceipt{}, err
	}
	defer leave()
	entries, err := readEntries(r.Body, time.Now())
	if err != nil || len(entries) == 0 {
		return api.LogReceipt{}, err
	}
	tenant := logs.Tenant(p.Name, p.ID)
	fit, dropped, told := l.quota.take(tenant, entries)
	l.tellLost(tenant, logs.Origin{}, told)
	rejected := 0
	if len(fit) > 0 {
		if rejected, err = l.pushLogs(r, tenant, from, fit); err != nil {
			l.quota.giveBack(tenant, fit)
			return api.LogReceipt{}, err
		}
	}
	if rejected > 0 {
		l.tellLost(tenant, logs.Origin{Function: from.Function, Server: from.Server, Release: from.Release}, l.quota.refused(tenant, rejected))
	}
	return api.LogReceipt{Dropped: dropped + rejected}, nil
}

// tellLost tells in a project's log what of it is lost, where that is to be told.
func (l *Routes) tellLost(tenant string, from logs.Origin, told string) {
	if told != "" && l.Last != nil {
		l.Last.Say(tenant, from, "WARNING", told)
	}
}

// pushLogs stores entries. While the store is away an agent keeps its own; one that
// ends cannot, so its last are kept here.
func (l *Routes) pushLogs(r *http.Request, tenant string, from logs.Origin, entries []api.LogEntry) (rejected int, err error) {
	rejected, err = l.Logs.Push(r.Context(), tenant, from, entries)
	if rejected > 0 {
		l.Log.Warn("entries of a log were not taken", slog.String("tenant", tenant), slog.Int("entries", rejected))
	}
	if !errors.Is(err, logs.ErrAway) {
		return rejected, err
	}
	if r.URL.Query().Get("last") == "true" && l.Last != nil {
		return 0, l.Last.Keep(tenant, from, entries)
	}
	return 0, api.NewProblem(api.Unavailable, "the store of logs is away").WithHelp("send them again")
}

// readEntries reads one entry a line, and makes each what may be stored.
func readEntries(body io.Reader, now time.Time) ([]api.LogEntry, error) {
	z, err := zstd.NewReader(io.LimitReader(body, maxLogBody), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(1<<20), zstd.WithDecoderMaxMemory(maxLogBytes))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", peer.ErrBody, err)
	}
	defer z.Close()
	in := bufio.NewScanner(io.LimitReader(z, maxLogBytes))
	in.Buffer(make([]byte, 0, 64<<10), maxLogLine)
	var out []api.LogEntry
	for in.Scan() {
		if len(in.Bytes()) == 0 {
			continue
		}
		var e api.LogEntry
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			return nil, api.NewProblem(api.Invalid, "line %d is not an entry of a log: %s", len(out)+1, err)
		}
		if len(out) == maxLogBatch {
			return nil, api.NewProblem(api.TooLarge, "a batch has more than %d entries", maxLogBatch)
		}
		// What gets the time now gets one of its own: else Loki takes two for one.
		out = append(out, fitting(e, now.Add(time.Duration(len(out)))))
	}
	if errors.Is(in.Err(), bufio.ErrTooLong) {
		return nil, api.NewProblem(api.TooLarge, "an entry has more than %d bytes", maxLogLine)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", peer.ErrBody, err)
	}
	return out, nil
}

// fitting is the entry without what cannot be: an agent makes none such, but it is
// not we who wrote all that speaks to us.
func fitting(e api.LogEntry, now time.Time) api.LogEntry {
	if !logs.ValidLevel(e.Level) {
		e.Level = "INFO"
	}
	if e.Stream != "stdout" {
		e.Stream = "stderr"
	}
	for _, id := range []*string{&e.TaskID, &e.RequestID, &e.Error} {
		if !workID.MatchString(*id) {
			*id = ""
		}
	}
	e.Message = utf8Of(e.Message, maxLogText)
	e.Logger = utf8Of(e.Logger, 1024)
	if e.Access != nil {
		e.Access.Method, e.Access.Path = utf8Of(e.Access.Method, 64), utf8Of(e.Access.Path, 1024)
	}
	if latest := now.Add(follow.Ahead).UnixNano(); e.Time <= 0 || e.Time > latest {
		e.Time = now.UnixNano()
	}
	return e
}

func utf8Of(s string, most int) string {
	for len(s) > most {
		s = s[:most]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		if len(s) > 0 {
			s = s[:len(s)-1]
		}
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
