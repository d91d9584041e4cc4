package cache

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/controlplane"
	"fngen.dev/fngen/pkg/agent/testbed"
	"fngen.dev/fngen/pkg/api"
)

func treeTarget(digest string) *Target { return &Target{Tree: digest, UID: testbed.UID, App: "/app"} }

// newFetcher fills the cache of a machine from a control plane.
func newFetcher(t *testing.T, m *testbed.Machine, c *testbed.ControlPlane, said io.Writer) *Fetcher {
	t.Helper()
	log := console.Logger{W: said}
	store, err := Open(m.Cache, testbed.UID, log)
	if err != nil {
		t.Fatal(err)
	}
	return &Fetcher{Cache: store, Client: controlplane.New(c.URL, m.Identity, c.Client().Transport, log), Log: log}
}

// TestFetchTreeOnce lets several allocations want one tree at once, then again
// without a control plane, then after the disk lost a part of it.
func TestFetchTreeOnce(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	digest := c.Tree(t, agenttest.Entry{Name: "app.py", Content: "x = 1\n"}, agenttest.Entry{Name: "bin/run", Mode: 0o755})
	request := "GET /v1/agent/trees/" + treeTarget(digest).treeHex()
	var group sync.WaitGroup
	for range 8 {
		f := newFetcher(t, m, c, io.Discard)
		group.Go(func() {
			own, lock, err := f.Tree(t.Context(), treeTarget(digest))
			if err != nil {
				t.Error(err)
				return
			}
			defer lock.Close()
			if text, err := os.ReadFile(own.From + "/app.py"); err != nil || string(text) != "x = 1\n" {
				t.Errorf("app.py is %q (%v)", text, err)
			}
		})
	}
	group.Wait()
	if n := c.Count(request); n != 1 {
		t.Errorf("the tree was fetched %d times", n)
	}
	dir := filepath.Join(m.Cache, "700999", "code", treeTarget(digest).treeHex())
	if err := os.Truncate(dir+"/app.py", 0); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	_, lock, err := newFetcher(t, m, c, &said).Tree(t.Context(), treeTarget(digest))
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
	if n := c.Count(request); n != 2 || !strings.Contains(said.String(), "damaged") {
		t.Errorf("a damaged tree was fetched %d times; said %q", n-1, &said)
	}
	c.Close()
	if _, lock, err = newFetcher(t, m, c, io.Discard).Tree(t.Context(), treeTarget(digest)); err != nil {
		t.Fatalf("a tree that is there needs the control plane: %v", err)
	}
	lock.Close()
}

func TestFetchTreeRefuses(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	digest := c.Tree(t, agenttest.Entry{Name: "app.py", Content: "x = 1\n"})
	path := "/v1/agent/trees/" + treeTarget(digest).treeHex()
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"other content": {agenttest.Archive(t, agenttest.Entry{Name: "app.py", Content: "x = 2\n"}), "has the digest sha256:"},
		"other mode":    {agenttest.Archive(t, agenttest.Entry{Name: "app.py", Content: "x = 1\n", Mode: 0o755}), "has the digest sha256:"},
		"more":          {agenttest.Archive(t, agenttest.Entry{Name: "app.py", Content: "x = 1\n"}, agenttest.Entry{Name: "b"}), "has the digest sha256:"},
		"escape":        {agenttest.Archive(t, agenttest.Entry{Name: "../app.py", Content: "x = 1\n"}), "not a path inside"},
		"not a tar":     {[]byte("hello"), "magic"},
	} {
		c.Has(path, test.data)
		_, _, err := newFetcher(t, m, c, io.Discard).Tree(t.Context(), treeTarget(digest))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v, want %q", name, err, test.want)
		}
		left, err := os.ReadDir(filepath.Join(m.Cache, "700999", "code"))
		if err != nil || len(left) != 0 {
			t.Errorf("%s: left %v (%v)", name, left, err)
		}
	}
}

// TestFetchWaitsForControlPlane goes through what a restart of the control plane
// looks like: a router without a backend, then one without a route.
func TestFetchWaitsForControlPlane(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
	answers := []int{http.StatusBadGateway, http.StatusNotFound}
	c.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
		if len(answers) == 0 {
			return false
		}
		http.Error(w, "no", answers[0])
		answers = answers[1:]
		return true
	})
	var said bytes.Buffer
	_, lock, err := newFetcher(t, m, c, &said).Tree(t.Context(), treeTarget(digest))
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
	if n := strings.Count(said.String(), "trying again"); n != 2 {
		t.Errorf("said %d retries: %s", n, &said)
	}
}

func TestFetchFinalAnswers(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	missing := "sha256:" + strings.Repeat("0", 64)
	request := "GET /v1/agent/trees/" + strings.Repeat("0", 64)
	for _, code := range []api.Code{api.NotFound, api.Forbidden} {
		c.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
			testbed.Problem(w, api.NewProblem(code, "because"))
			return true
		})
		before := c.Count(request)
		_, _, err := newFetcher(t, m, c, io.Discard).Tree(t.Context(), treeTarget(missing))
		if err == nil || !strings.Contains(err.Error(), "because") {
			t.Errorf("%s: error is %v", code, err)
		}
		if n := c.Count(request) - before; n != 1 {
			t.Errorf("%s: asked %d times", code, n)
		}
	}
}

func TestFetchGivesUp(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	c.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "no", http.StatusBadGateway)
		return true
	})
	f := newFetcher(t, m, c, io.Discard)
	f.Client.Patience = time.Second
	_, _, err := f.Tree(t.Context(), treeTarget("sha256:"+strings.Repeat("0", 64)))
	if err == nil || !strings.Contains(err.Error(), "no success in 1s") {
		t.Errorf("error is %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	f.Client.Patience = time.Hour
	if _, _, err = f.Tree(ctx, treeTarget("sha256:"+strings.Repeat("0", 64))); err == nil {
		t.Error("went on after it was told to stop")
	}
}

func TestFetchLayer(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	c.Has("/v1/agent/layers/abc", agenttest.Archive(t, agenttest.Entry{Name: "bin/tool", Content: "#!", Mode: 0o755},
		agenttest.Entry{Name: "bin/python", Link: "/usr/bin/python3.11", Kind: '2'}))
	// What a killed agent left, and a marker that the project wrote itself.
	left := filepath.Join(m.Cache, "700999", "layers", "abc")
	m.Write(t, left+"/half", "", 0o644)
	m.Write(t, left+"/"+archive.CompleteMarker, "", 0o644)
	if err := os.Lchown(left+"/"+archive.CompleteMarker, testbed.UID, testbed.UID); err != nil {
		t.Fatal(err)
	}
	dir, lock, err := newFetcher(t, m, c, io.Discard).Layer(t.Context(), &Target{Layer: "abc"})
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if dir != left {
		t.Errorf("layer is in %s", dir)
	}
	want := map[string]string{
		"bin": "drwxr-x---", "bin/tool": "-rwxr-x--- #!", "bin/python": "Lrwxrwxrwx /usr/bin/python3.11", archive.CompleteMarker: "-rw-r----- ",
	}
	for name, text := range agenttest.List(t, dir) {
		if want[name] != text {
			t.Errorf("%s is %q, want %q", name, text, want[name])
		}
	}
}

// TestPrune removes what was not used for longest, and nothing that is held.
func TestPrune(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	f := newFetcher(t, m, c, io.Discard)
	old := time.Now().Add(-24 * time.Hour)
	for i, name := range []string{"oldest", "held", "older", "old", "new"} {
		dir := f.Cache.Path(Layers, name)
		lock, err := f.Cache.Hold(t.Context(), Layers, name, func() bool { return IsComplete(dir) }, func() error {
			return f.extract(dir, func(*os.Root) error { return Complete(dir, testbed.UID) })
		})
		if err != nil {
			t.Fatal(err)
		}
		if name == "held" {
			defer lock.Close()
		} else {
			lock.Close()
		}
		when := old.Add(time.Duration(i) * time.Hour)
		if err := os.Chtimes(lock.Name(), when, when); err != nil {
			t.Fatal(err)
		}
	}
	f.Cache.Prune(Layers, 2)
	var kept []string
	left, err := os.ReadDir(f.Cache.Path(Layers, ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range left {
		kept = append(kept, d.Name())
	}
	if got := strings.Join(kept, " "); got != "held new old" {
		t.Errorf("kept %s", got)
	}
}
