package agent

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/testbed"
	"fngen.dev/fngen/pkg/api"
)

// talker writes in every way that there is. Its socket is that of FNGEN_LINES.
const talker = `
import json, os, socket, subprocess, sys
lines = int(os.environ["FNGEN_LINES"])
print("to stdout")
print("ERROR: to stderr", file=sys.stderr)
subprocess.run(["sh", "-c", "echo of a child"])
open("/dev/stdout", "w").write("by its name\n")
os.write(lines, json.dumps({"s": "stderr", "l": "WARNING", "m": "two\nlines", "r": "r1", "t": "t1", "e": "0123456789abcdef"}).encode())
if os.fork() == 0:
    os.write(lines, json.dumps({"s": "stdout", "m": "of a fork"}).encode())
    os._exit(0)
os.wait()
os.write(1, b"\xff\x00binary\n" + b"x" * 100_000 + b"\nunended")
raise ValueError("no")
`

// beginning tells the entries of a talker from each other.
func beginning(e api.LogEntry) string { return e.Message[:min(len(e.Message), 8)] }

func TestJournal(t *testing.T) {
	modes(t, func(t *testing.T, flags ...string) {
		c := testbed.NewControlPlane(t)
		m := testbed.NewMachine(t, c)
		m.Boot(t, talker)
		digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
		p := testbed.Start(t, m.Agent(t, c, "serve", digest, append(flags, "--function=live_app", "--file=app.py", "--release=7")...))
		raw := make(chan string)
		go func() { b, _ := io.ReadAll(p.Out); raw <- string(b) }()
		if code := p.Wait(t); code != 1 {
			t.Errorf("exit code is %d; said %s", code, &p.Said)
		}
		out := <-raw
		for _, want := range []string{"to stdout\n", "of a child\n", "by its name\n", "of a fork\n", "\xff\x00binary\n", "unended"} {
			if !strings.Contains(out, want) {
				t.Errorf("its own stdout lacks %q", want)
			}
		}
		if said := p.Said.String(); !strings.Contains(said, "ERROR: to stderr\n") || !strings.Contains(said, "two\nlines\n") {
			t.Errorf("its own stderr is %s", said)
		}
		got := map[string]api.LogEntry{}
		last := int64(0)
		for _, e := range c.Entries(false) {
			got[beginning(e)] = e
			if e.Time == last {
				t.Error("two entries have one time")
			}
			last, e.Time = e.Time, 0
		}
		for _, want := range []api.LogEntry{
			{Stream: "stdout", Level: "INFO", Message: "to stdout"}, {Stream: "stderr", Level: "ERROR", Message: "ERROR: to stderr"},
			{Stream: "stdout", Level: "INFO", Message: "of a child"}, {Stream: "stdout", Level: "INFO", Message: "by its name"},
			{Stream: "stderr", Level: "WARNING", Message: "two\nlines", RequestID: "r1", TaskID: "t1", Error: "0123456789abcdef"},
			{Stream: "stdout", Level: "INFO", Message: "of a fork"}, {Stream: "stdout", Level: "INFO", Message: "\uFFFD\uFFFDbinary"},
			{Stream: "stdout", Level: "INFO", Message: strings.Repeat("x", 65536) + " [fngen: 34464 more bytes cut]"},
			{Stream: "stdout", Level: "INFO", Message: "unended"},
		} {
			e := got[beginning(want)]
			e.Time = 0
			if diff := cmp.Diff(want, e); diff != "" {
				t.Error(diff)
			}
		}
		if e := got["Tracebac"]; e.Level != "ERROR" || !strings.HasSuffix(e.Message, "ValueError: no") || e.Stream != "stderr" {
			t.Errorf("the traceback is %+v", e)
		}
		var said []string
		for _, e := range c.Entries(true) {
			said = append(said, e.Level+" "+e.Message)
		}
		if want := []string{"INFO live_app of release 7 starts", "ERROR live_app ended with exit code 1"}; !slices.Equal(said, want) {
			t.Errorf("the agent said %q", said)
		}
	})
}

// TestJournalOfTheDead takes over what an agent left that was killed.
func TestJournalOfTheDead(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	m.Boot(t, "import signal\nprint('first', flush=True)\nsignal.pause()\n")
	digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
	asked := make(chan bool, 1000)
	c.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v1/agent/logs" {
			http.Error(w, "away", http.StatusBadGateway)
			asked <- true
			return true
		}
		return false
	})
	p := testbed.Start(t, m.Agent(t, c, "serve", digest, "--function=live_app", "--file=app.py"))
	p.Line(t)
	<-asked
	<-asked // the second batch has the line, or the first had
	p.Signal(t, syscall.SIGKILL)
	p.Wait(t)
	c.Instead(nil)
	m.Boot(t, "print('second')\n")
	if code := testbed.Start(t, m.Agent(t, c, "serve", digest, "--function=live_app", "--file=app.py")).Wait(t); code != 0 {
		t.Errorf("exit code is %d", code)
	}
	var got []string
	for _, e := range c.Entries(false) {
		got = append(got, e.Message)
	}
	if !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("got %q", got)
	}
}

// TestJournalManyLines loses nothing, and keeps the order.
func TestJournalManyLines(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	const n = 20_000
	m.Boot(t, fmt.Sprintf("import sys\nfor i in range(%d): sys.stdout.write('%%d\\n' %% i)\n", n))
	p := testbed.Start(t, m.Agent(t, c, "serve", c.Tree(t, agenttest.Entry{Name: "app.py"}), "--function=live_app", "--file=app.py"))
	go func() { _, _ = io.Copy(io.Discard, bufio.NewReader(p.Out)) }()
	p.Wait(t)
	got := c.Entries(false)
	for i, e := range got {
		if e.Message != fmt.Sprint(i) {
			t.Fatalf("%q is number %d", e.Message, i)
		}
	}
	if len(got) != n {
		t.Errorf("%d of %d", len(got), n)
	}
}
