package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/pkg/api"
)

// talkingApp logs in every way, of requests and of itself.
const talkingApp = `import logging, os, subprocess, threading
from fngen.powers import webapp

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("shop")
print("it begins")

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path.startswith("/say/"):
        word = path[5:]
        print("printed", word)
        log.warning("logged %s", word)
        t = threading.Thread(target=print, args=("in a thread", word)); t.start(); t.join()
        subprocess.run(["echo", "child", word])
    if path == "/fail":
        raise ValueError("of a request")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

@webapp(framework="asgi")
def live_app():
    return app
`

// TestLogs prints and logs, and finds it again: as it happens, afterwards, by each
// condition; and nobody else does.
func TestLogs(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "spare")
	p := newProject(t)
	p.Write(t, "app.py", talkingApp)
	p.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 1)+"functions:\n  live_app: {release: echo of the release command}\n")
	p.Run(t, "push", p.Name, ".")
	follower := p.followLogs(t, "--function", "live_app")
	p.say(t, "one", "r-one")
	p.say(t, "two", "r-two")
	follower.until(t, "printed one", "logged one", "in a thread one", "child one", "printed two", "GET /say/two 200")
	_ = p.Ask(t, "/fail", http.Header{"X-Request-Id": {"r-fail"}}, new(any))
	follower.until(t, "ValueError: of a request")
	follower.eachOnce(t)

	one := p.lines(t, "--request-id", "r-one")
	for message, level := range map[string]string{
		"printed one": "INFO", "WARNING:shop:logged one": "WARNING", "in a thread one": "INFO", "GET /say/one 200": "INFO",
	} {
		l, found := find(one, message)
		if !found || l.Level != level || l.RequestID != "r-one" || l.Function != "live_app" || l.Power != "webapp" || l.Release != 1 || l.Server != "web" {
			t.Errorf("%q of the request: %+v", message, l)
		}
	}
	if len(one) != 4 {
		t.Errorf("of one request there are %d lines: %+v", len(one), one)
	}
	failed, _ := find(p.lines(t, "--level", "ERROR", "--request-id", "r-fail"), "ValueError: of a request")
	if !strings.Contains(failed.Message, "Traceback (most recent call last):\n") || len(failed.Error) != 16 {
		t.Errorf("the traceback is %+v", failed)
	}
	for _, l := range p.lines(t, "--level", "ERROR") {
		if l.Level != "ERROR" && l.Level != "CRITICAL" {
			t.Errorf("not an error: %+v", l)
		}
	}
	if got := p.lines(t, "--grep", "printed", "--limit", "1"); len(got) != 1 || got[0].Message != "printed two" {
		t.Errorf("the newest of what was printed: %+v", got)
	}
	for _, want := range []string{"live_app of release 1 starts", "of the release command", "release 1 is live"} {
		if _, found := find(p.lines(t, "--power", "platform"), want); !found {
			t.Errorf("the platform did not say %q", want)
		}
	}
	// A value is a value, whatever is in it.
	if got := p.lines(t, "--grep", "x` | line_format `evil"); len(got) != 0 {
		t.Errorf("a text that holds a query finds %+v", got)
	}
	t.Run("another account", func(t *testing.T) {
		stranger := p
		stranger.Key, stranger.Home = e2etest.StrangersKey(t), t.TempDir()
		if out, err := stranger.Command("logs", p.Name).CombinedOutput(); err == nil || strings.Contains(string(out), "printed") {
			t.Errorf("it reads:\n%s", out)
		}
	})
}

func find(lines []api.LogLine, text string) (api.LogLine, bool) {
	for _, l := range lines {
		if strings.Contains(l.Message, text) {
			return l, true
		}
	}
	return api.LogLine{}, false
}

// say asks the app to say a word, in a request of an id.
func (p project) say(t *testing.T, word, id string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(p.URL(), "/")+"/say/"+word, nil)
	check(t, err)
	req.Header.Set("X-Request-Id", id)
	resp, err := e2etest.Router(t).Do(req)
	check(t, err)
	defer resp.Body.Close()
	if resp.Header.Get("X-Request-Id") != id {
		t.Errorf("the answer has the id %q", resp.Header.Get("X-Request-Id"))
	}
}

// lines asks for lines.
func (p project) lines(t *testing.T, args ...string) []api.LogLine {
	t.Helper()
	out, err := p.Command(append([]string{"logs", p.Name, "--json", "--limit", "1000"}, args...)...).Output()
	check(t, err)
	var lines []api.LogLine
	for in := json.NewDecoder(bytes.NewReader(out)); ; {
		var l api.LogLine
		err := in.Decode(&l)
		if errors.Is(err, io.EOF) {
			return lines
		}
		check(t, err)
		lines = append(lines, l)
	}
}

// logFollower is `fngen logs --follow` under way.
type logFollower struct {
	out  *bufio.Scanner
	cmd  *exec.Cmd
	seen []string
}

func (p project) followLogs(t *testing.T, args ...string) *logFollower {
	t.Helper()
	cmd := p.Command(append([]string{"logs", p.Name, "--follow"}, args...)...)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
	})
	return &logFollower{out: bufio.NewScanner(out), cmd: cmd}
}

// until reads on until all texts have come. What has not come in time ends it.
func (f *logFollower) until(t *testing.T, texts ...string) {
	t.Helper()
	late := time.AfterFunc(e2etest.Settle, func() { _ = f.cmd.Process.Signal(syscall.SIGINT) })
	defer late.Stop()
	missing := map[string]bool{}
	for _, text := range texts {
		missing[text] = true
	}
	for len(missing) > 0 {
		for text := range missing {
			for _, line := range f.seen {
				if strings.Contains(line, text) {
					delete(missing, text)
				}
			}
		}
		if len(missing) == 0 {
			return
		}
		if !f.out.Scan() {
			t.Fatalf("it ended without %v:\n%s", missing, strings.Join(f.seen, "\n"))
		}
		f.seen = append(f.seen, f.out.Text())
	}
}

// eachOnce wants no line twice.
func (f *logFollower) eachOnce(t *testing.T) {
	t.Helper()
	times := map[string]int{}
	for _, line := range f.seen {
		if times[line]++; times[line] == 2 && strings.Contains(line, "\t") {
			t.Errorf("twice: %s", line)
		}
	}
}
