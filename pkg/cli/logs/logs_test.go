package logs

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

func TestReadable(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "a\nb": "a\n    b", "10%\r20%\r30%": "30%", "10%\r": "10%", "a\r\nb\r\n": "a\n    b\n    ",
		"\x1b[31mred\x1b[0m": "red", "\x1b]0;title\a": `\x1b]0;title\x07`, "live\u202eevil": `live\u202eevil`, "\x9b2J": `\x9b2J`, "tab\there": "tab\there", "\u2028": `\u2028`,
	} {
		if got := readable(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

func TestTimeFlag(t *testing.T) {
	now := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"10m": now.Add(-10 * time.Minute), "3d": now.Add(-72 * time.Hour), "1w": now.Add(-7 * 24 * time.Hour), "2026-01-30T10:00:00Z": now.Add(-24 * time.Hour),
		"2026-01-31T11:00:00+01:00": now,
	} {
		if got, err := timeFlag("since", text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"yesterday", "-5m", "10", "5x", "99999999d", "2026-13-01"} {
		if got, err := timeFlag("since", text, now); err == nil {
			t.Errorf("%s is %s", text, got)
		}
	}
}

func TestLogFormat(t *testing.T) {
	at := time.Date(2026, 1, 31, 10, 0, 0, 5e6, time.UTC)
	line := api.LogLine{Time: at, Level: "ERROR", Power: "webapp", Function: "live_app", Message: "no\x1b[2J\nmore"}
	var out bytes.Buffer
	l := &logReader{App: &command.App{Env: command.Env{IO: &term.IO{Out: &out}}}}
	if err := l.show(line); err != nil || out.String() != "2026-01-31T10:00:00.005Z\tERROR\tlive_app\tno\\x1b[2J\n    more\n" {
		t.Errorf("%v, %q", err, out.String())
	}
	out.Reset()
	l.IO.OutTTY, l.IO.Colour = true, true
	line.Power = "platform"
	if err := l.show(line); err != nil || !strings.Contains(out.String(), "\x1b[31mERROR") || !strings.Contains(out.String(), "platform/live_app") || strings.Contains(out.String(), "\x1b[2J") {
		t.Errorf("%v, %q", err, out.String())
	}
	out.Reset()
	l.JSON = true
	if err := l.show(line); err != nil || !strings.HasPrefix(out.String(), `{"ts":"2026-01-31T10:00:00.005Z","level":"ERROR","power":"platform","function":"live_app","task_id":"","request_id":"","stream":"","server":"","release":0,"message":"no`) {
		t.Errorf("%v, %q", err, out.String())
	}
}

// TestLogsOfAConnectionThatBroke are told once.
func TestLogsOfAConnectionThatBroke(t *testing.T) {
	var out bytes.Buffer
	l := &logReader{App: &command.App{Env: command.Env{IO: &term.IO{Out: &out}}}, q: api.LogQuery{Follow: true}, seen: map[api.LogKey]time.Time{}, forgetAt: 2}
	at := time.Now()
	for _, message := range []string{"a", "b", "a", "c"} {
		if err := l.show(api.LogLine{Time: at, Message: message}); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(out.String(), "\n"); got != 3 {
		t.Errorf("%d lines: %q", got, out.String())
	}
}
