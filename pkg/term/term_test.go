package term

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain ünï 東京 \t tab": "plain ünï 東京 \t tab",
		"\x1b[2Jgone":         `\x1b[2Jgone`,
		"a\r\nerror: forged":  `a\x0d\x0aerror: forged`,
		"a\u202etxt.exe":      `a\u202etxt.exe`,
		"c1 \u009b31m":        `c1 \u009b31m`,
		"bad \xff\xc3":        `bad \xff\xc3`,
		"\ufffd is a rune":    "\ufffd is a rune",
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a\x1b[0m\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if got := Escape(s); !isClean(got) {
			t.Errorf("Escape(%q) = %q, which is not clean", s, got)
		}
	})
}

func TestTable(t *testing.T) {
	heading := []string{"NAME", "STATE"}
	rows := [][]string{{"live_app", "running"}, {"é", "a\tb\x1b"}}
	var tty, pipe bytes.Buffer
	if err := Table(&tty, true, heading, rows); err != nil {
		t.Fatal(err)
	}
	if err := Table(&pipe, false, heading, rows); err != nil {
		t.Fatal(err)
	}
	want := "NAME      STATE\nlive_app  running\né         a b\\x1b\n"
	if diff := cmp.Diff(want, tty.String()); diff != "" {
		t.Errorf("terminal (-want +got):\n%s", diff)
	}
	want = "live_app\trunning\né\ta b\\x1b\n"
	if diff := cmp.Diff(want, pipe.String()); diff != "" {
		t.Errorf("pipe (-want +got):\n%s", diff)
	}
}

// A push as a terminal shows it: what stays on the screen when every line has
// been rewritten for the last time.
func TestProgressLive(t *testing.T) {
	var out bytes.Buffer
	var clock atomic.Int64
	p := (&IO{Err: &out, Live: true, Width: 40}).NewProgress()
	p.now = func() time.Time { return time.UnixMilli(clock.Load()) }
	p.Begin("scan", "reading files")
	clock.Add(1200)
	p.Begin("layer", "installing the requirements")
	p.Line("uv", "Resolved 12 packages\x1b[2J")
	p.Begin("layer", "installing a requirement with a name that is too long")
	clock.Add(65_000)
	p.Stop(false)
	p.Stop(true) // the second call does nothing

	want := []string{
		"✓ reading files 1.2s",
		`  uv | Resolved 12 packages\x1b[2J`,
		"✗ installing a requirement with… 65.0s",
		"",
	}
	if diff := cmp.Diff(want, screen(out.String())); diff != "" {
		t.Errorf("screen (-want +got):\n%s", diff)
	}
}

// screen plays the only two control sequences that a live line uses.
func screen(s string) []string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		parts := strings.Split(line, "\r\x1b[K")
		lines = append(lines, parts[len(parts)-1])
	}
	return lines
}

func TestProgressPlain(t *testing.T) {
	var out bytes.Buffer
	p := (&IO{Err: &out}).NewProgress()
	now := p.begun
	p.now = func() time.Time { return now }
	p.Begin("scan", "reading files")
	now = now.Add(1200 * time.Millisecond)
	p.Begin("rollout", "live_app: 0 of 1 healthy")
	p.Begin("rollout", "live_app: 0 of 1 healthy") // said already
	p.Begin("rollout", "live_app: 1 of 1 healthy")
	p.Line("uv", "Installed 3 packages")
	p.Stop(true)
	want := `scan: reading files (0.0s)
rollout: live_app: 0 of 1 healthy (1.2s)
rollout: live_app: 1 of 1 healthy (1.2s)
  uv | Installed 3 packages
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
