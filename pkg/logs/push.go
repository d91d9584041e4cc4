package logs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/snappy"

	"fngen.dev/fngen/pkg/api"
)

// Push stores entries of one origin, and returns how many Loki would not take: those
// that are too old, or too far behind others of their stream. Entries that are there
// already do not become two. Those that come late are noted (Late).
func (l *Loki) Push(ctx context.Context, tenant string, from Origin, entries []api.LogEntry) (rejected int, err error) {
	ctx, cancel := context.WithTimeout(ctx, pushTime)
	defer cancel()
	body := snappy.Encode(nil, encode(from, entries))
	_, err = l.do(ctx, tenant, http.MethodPost, "/loki/api/v1/push", nil, "application/x-protobuf", bytes.NewReader(body))
	if errors.Is(err, ErrRejected) {
		rejected, err = ignored(err.Error(), len(entries)), nil
	}
	if err == nil && rejected < len(entries) {
		err = l.noteLate(ctx, tenant, from, entries)
	}
	return rejected, err
}

var ignoredCount = regexp.MustCompile(`total ignored: (\d+) out of`)

// ignored reads how many entries were not taken; the others were. Loki says a number, or
// a sentence for each.
func ignored(text string, all int) int {
	if found := ignoredCount.FindStringSubmatch(text); found != nil {
		if n, err := strconv.Atoi(found[1]); err == nil {
			return min(n, all)
		}
	}
	if n := strings.Count(text, "has timestamp"); n > 0 {
		return min(n, all)
	}
	return all
}

// encode is the message logproto.PushRequest (pkg/push of Loki): streams of labels and
// entries. It is three small messages, which need no library.
func encode(from Origin, entries []api.LogEntry) []byte {
	streams := map[string][]byte{}
	for _, e := range entries {
		labels := labelsOf(from, e)
		streams[labels] = field(streams[labels], 2, entry(from, e))
	}
	names := make([]string, 0, len(streams))
	for labels := range streams {
		names = append(names, labels)
	}
	slices.Sort(names)
	var out []byte
	for _, labels := range names {
		out = field(out, 1, append(field(nil, 1, []byte(labels)), streams[labels]...))
	}
	return out
}

// entry is logproto.EntryAdapter: time, line, structured metadata.
func entry(from Origin, e api.LogEntry) []byte {
	const second = 1e9
	stamp := number(number(nil, 1, uint64(e.Time/second)), 2, uint64(e.Time%second))
	out := field(field(nil, 1, stamp), 2, []byte(e.Message))
	for _, m := range metadataOf(from, e) {
		if m.value != "" {
			out = field(out, 3, field(field(nil, 1, []byte(m.name)), 2, []byte(m.value)))
		}
	}
	return out
}

// field adds a field of bytes: its number and type, its length, itself.
func field(out []byte, n int, value []byte) []byte {
	out = binary.AppendUvarint(out, uint64(n)<<3|2)
	return append(binary.AppendUvarint(out, uint64(len(value))), value...)
}

func number(out []byte, n int, value uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(out, uint64(n)<<3), value)
}

type pair struct{ name, value string }

// labelsOf are the labels of a stream, in the form of a selector.
func labelsOf(from Origin, e api.LogEntry) string {
	power := from.Power
	if e.Platform {
		power = PowerPlatform
	}
	var out []string
	for _, l := range []pair{{"function", from.Function}, {"level", e.Level}, {"power", power}, {"server", from.Server}, {"stream", e.Stream}} {
		if l.value != "" {
			out = append(out, l.name+"="+quote(l.value))
		}
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func metadataOf(from Origin, e api.LogEntry) []pair {
	out := []pair{
		{"task_id", e.TaskID}, {"request_id", e.RequestID}, {"release", from.Release}, {"instance", from.Instance},
		{"logger", e.Logger}, {"error", e.Error},
	}
	if a := e.Access; a != nil {
		out = append(out, pair{"method", a.Method}, pair{"path", a.Path}, pair{"status", strconv.Itoa(a.Status)},
			pair{"duration_ms", strconv.FormatFloat(a.Duration, 'f', -1, 64)})
	}
	return out
}
