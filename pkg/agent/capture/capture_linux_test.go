package capture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// text makes entries of what is written to standard output.
func text(pieces ...string) []Entry {
	var out []Entry
	t := &Text{Stream: Stdout, Clock: &Clock{}, Take: func(e ...Entry) { out = append(out, e...) }}
	for _, p := range pieces {
		_, _ = t.Write([]byte(p))
	}
	t.End()
	return out
}

func messages(entries []Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Message)
	}
	return out
}

func TestLines(t *testing.T) {
	for name, test := range map[string]struct {
		in, want []string
	}{
		"in one":      {[]string{"a\nb\n"}, []string{"a", "b"}},
		"in pieces":   {[]string{"a", "b\nc", "\n"}, []string{"ab", "c"}},
		"unended":     {[]string{"a\nb"}, []string{"a", "b"}},
		"Windows":     {[]string{"a\r\nb\r\n"}, []string{"a", "b"}},
		"progress":    {[]string{"1%\r2%\r", "3%\n"}, []string{"1%\r2%\r3%"}},
		"empty":       {[]string{"\n\n"}, []string{"", ""}},
		"cut rune":    {[]string{"\xc3", "\xa4\n"}, []string{"ä"}},
		"broken rune": {[]string{"a\xc3\nb\n"}, []string{"a\uFFFD", "b"}},
		"nul":         {[]string{"a\x00b\n"}, []string{"a\uFFFDb"}},
		"colours":     {[]string{"\x1b[31mred\x1b[0m\n"}, []string{"\x1b[31mred\x1b[0m"}},
	} {
		if diff := cmp.Diff(test.want, messages(text(test.in...))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestLongLineIsCut(t *testing.T) {
	got := text(strings.Repeat("x", 1<<20)+"\n", "next\n")
	want := strings.Repeat("x", MaxMessage) + fmt.Sprintf(" [fngen: %d more bytes cut]", 1<<20-MaxMessage)
	if len(got) != 2 || got[0].Message != want || got[1].Message != "next" {
		t.Errorf("%d entries, the first of %d bytes", len(got), len(got[0].Message))
	}
	if cut := clean([]byte(strings.Repeat("x", MaxMessage-1)+"ä"), 0); !utf8.ValidString(cut) || !strings.HasSuffix(cut, "x [fngen: 2 more bytes cut]") {
		t.Errorf("a rune at the end is cut: %q", cut[len(cut)-40:])
	}
}

const chained = `Traceback (most recent call last):
  File "app.py", line 3, in f
    g()
    ^^^
ValueError: no

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "app.py", line 5, in f
    raise KeyError("x")
KeyError: 'x'`

func TestTracebackIsOneEntry(t *testing.T) {
	one := "Traceback (most recent call last):\n  File \"app.py\", line 1\n    x\nNameError: x"
	for name, test := range map[string]struct {
		in   string
		want []string
	}{
		"one":            {"before\n" + one + "\nafter\n", []string{"before", one, "after"}},
		"two":            {one + "\n" + one + "\n", []string{one, one}},
		"chained":        {chained + "\nafter\n", []string{chained, "after"}},
		"blank after":    {one + "\n\nafter\n", []string{one, "", "after"}},
		"ends with link": {one + "\n\n" + links[0] + "\nafter\n", []string{one, "", links[0], "after"}},
		"cut short":      {"Traceback (most recent call last):\n  File", []string{"Traceback (most recent call last):\n  File"}},
	} {
		got := text(test.in)
		if diff := cmp.Diff(test.want, messages(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, e := range got {
			if strings.HasPrefix(e.Message, "Traceback") && e.Level != Error {
				t.Errorf("%s: a traceback has level %s", name, e.Level)
			}
		}
	}
}

func TestGuess(t *testing.T) {
	for line, want := range map[string]string{
		"hello": Info, "": Info, "information about errors": Info, "error rates are low": Info, "no ERRORs": Info,
		"ERROR: no": Error, "WARNING:root:careful": Warning, "INFO:     Started": Info, "DEBUG x": Debug, "CRITICAL:app:x": Critical,
		"2026-01-01 10:00:00,123 - app - ERROR - no": Error, "2026-01-01T10:00:00Z WARN x": Warning, "[2026-01-01 10:00:00 +0000] [7] [INFO] Booting": Info,
		"[error] no": Error, "(warning) careful": Warning, "level=warn msg=x": Warning, `time=1 level="error" msg=x`: Error, "Error: no": Error,
		"\x1b[31mERROR\x1b[0m no": Error, "app.py:3: UserWarning: careful": Warning, "ValueError: no": Error, "requests.exceptions.ConnectionError": Error,
		`{"level": "error", "msg": "no"}`: Error, `{"levelname": "WARNING"}`: Warning, `{"severity": "critical"}`: Critical, `{"level": 50}`: Critical, `{"level": 30}`: Warning,
		`{"level": {}, "severity": "debug"}`: Debug, `{"a": 1}`: Info, `{"level": "nonsense"}`: Info,
	} {
		if got := text(line + "\n")[0]; got.Level != want || got.Message != line {
			t.Errorf("%q is %s, want %s", line, got.Level, want)
		}
	}
}

func TestOwnIDs(t *testing.T) {
	got := text(`{"request_id": "abc", "task_id": "no good"}` + "\n")[0]
	if got.RequestID != "abc" || got.TaskID != "" {
		t.Errorf("got %+v", got)
	}
}

func TestTimesIncrease(t *testing.T) {
	last := int64(0)
	for _, e := range text(strings.Repeat("x\n", 10_000)) {
		if e.Time <= last {
			t.Fatalf("%d comes after %d", e.Time, last)
		}
		last = e.Time
	}
}

// TestConsume reads a pipe: a traceback that nothing follows becomes an entry while the
// program lives on.
func TestConsume(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var raw bytes.Buffer
	entries := make(chan Entry, 10)
	done := make(chan bool)
	in := &Text{Stream: Stderr, Clock: &Clock{}, Take: func(all ...Entry) {
		for _, e := range all {
			entries <- e
		}
	}, Work: func() Work { return Work{TaskID: "t1"} }}
	go func() { in.Consume(r, &raw); close(done) }()
	if _, err := io.WriteString(w, chained+"\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-entries:
		if e.Message != chained || e.TaskID != "t1" {
			t.Errorf("got %+v", e)
		}
	case <-time.After(time.Minute):
		t.Fatal("no entry")
	}
	w.Close()
	<-done
	if raw.String() != chained+"\n" {
		t.Errorf("passed on: %q", raw.String())
	}
}

func records(t *testing.T, packets ...string) []Entry {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(pair[0], true); err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	for _, p := range packets {
		if _, err := theirs.WriteString(p); err != nil {
			t.Fatal(err)
		}
	}
	theirs.Close()
	var out []Entry
	r := &Records{Clock: &Clock{}, Take: func(e ...Entry) { out = append(out, e...) }, Bare: func(string, string) {}}
	if err := r.Consume(ours); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRecords(t *testing.T) {
	got := records(t,
		`{"s":"stderr","l":"WARNING","m":"WARNING:app:a\nb","n":"app","r":"r1","t":"t1","e":"0123456789abcdef"}`,
		`{"s":"stdout","m":"GET / 500","l":"ERROR","a":{"method":"GET","path":"/","status":500,"duration_ms":1.5}}`,
		`{"s":"stdout","m":"{\"level\":\"error\"}","c":7}`,
		`{"s":"stdin","m":"x"}`, ``, `junk`+"\xff",
		`{"s":"stdout","m":"x","r":"bad id","t":"`+strings.Repeat("x", 200)+`"}`)
	want := []Entry{
		{Stream: Stderr, Level: Warning, Message: "WARNING:app:a\nb", Logger: "app", RequestID: "r1", TaskID: "t1", Error: "0123456789abcdef"},
		{Stream: Stdout, Level: Error, Message: "GET / 500", Access: &Access{Method: "GET", Path: "/", Status: 500, Duration: 1.5}},
		{Stream: Stdout, Level: Info, Message: `{"level":"error"} [fngen: 7 more bytes cut]`},
		{Stream: Stderr, Level: Info, Message: `{"s":"stdin","m":"x"}`},
		{Stream: Stderr, Level: Info, Message: "junk\uFFFD"},
		{Stream: Stdout, Level: Info, Message: "x"},
	}
	for i := range got {
		got[i].Time = 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzText holds that the pieces in which something is written do not matter, and that
// whatever is written comes out as text.
func FuzzText(f *testing.F) {
	f.Add([]byte(chained+"\nx\n"), uint8(3))
	f.Add([]byte("a\r\n\x00\xff\n\n{\"level\":5}"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		var pieces []string
		for rest := in; len(rest) > 0; {
			n := min(len(rest), int(size)+1)
			pieces, rest = append(pieces, string(rest[:n])), rest[n:]
		}
		whole, cut := text(string(in)), text(pieces...)
		if diff := cmp.Diff(messages(whole), messages(cut)); diff != "" {
			t.Error(diff)
		}
		for _, e := range whole {
			if !utf8.ValidString(e.Message) || rank[e.Level] == 0 || len(e.Message) > 3*MaxMessage+100 {
				t.Errorf("%+v", e)
			}
		}
	})
}

// FuzzRecord holds that a packet of any kind is an entry that can be sent on.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"s":"stderr","l":"x","m":"m","a":{"status":1e3}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := &Records{Clock: &Clock{}, Bare: func(string, string) {}, Take: func(all ...Entry) {
			for _, e := range all {
				if _, err := json.Marshal(e); err != nil || !utf8.ValidString(e.Message) || rank[e.Level] == 0 {
					t.Errorf("%v: %+v", err, e)
				}
			}
		}}
		r.packet(in)
		r.hand()
	})
}
