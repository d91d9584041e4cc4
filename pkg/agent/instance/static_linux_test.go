package instance

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/controlplane"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// TestFetchStatic: a node takes regular files and directories, whatever the archive
// says besides, and keeps nothing of one that it refuses.
func TestFetchStatic(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	fetch := func() (string, error) {
		log := console.Logger{W: io.Discard}
		store, err := cache.Open(m.Cache, testbed.UID, log)
		if err != nil {
			t.Fatal(err)
		}
		f := &cache.Fetcher{Cache: store, Client: controlplane.New(c.URL, m.Identity, c.Client().Transport, log), Log: log}
		dir, lock, err := f.Static(t.Context(), "0123456789abcdef")
		if err == nil {
			lock.Close()
		}
		return dir, err
	}
	dir := filepath.Join(m.Cache, "700999", "static", "0123456789abcdef")
	c.Has("/v1/agent/layers/0123456789abcdef", agenttest.Archive(t, agenttest.Entry{Name: "a.css", Content: "x"}))
	if _, err := fetch(); err == nil || !strings.Contains(err.Error(), "read the time") {
		t.Errorf("without a time: %v", err)
	}
	c.Instead(testbed.Dated)
	for name, entries := range map[string][]agenttest.Entry{
		"a link":            {{Name: "a", Link: "/etc/passwd", Kind: '2'}},
		"a link inside":     {{Name: "a", Content: "x"}, {Name: "b", Link: "a", Kind: '2'}},
		"through a link":    {{Name: "a", Link: "/tmp", Kind: '2'}, {Name: "a/b", Content: "x"}},
		"a hard link":       {{Name: "a", Link: "/etc/passwd", Kind: '1'}},
		"a device":          {{Name: "a", Kind: '3'}},
		"a FIFO":            {{Name: "a", Kind: '6'}},
		"parent":            {{Name: "../a", Content: "x"}},
		"absolute":          {{Name: "/a", Content: "x"}},
		"twice":             {{Name: "a", Content: "x"}, {Name: "a", Content: "y"}},
		"a directory twice": {{Name: "a", Content: "x"}, {Name: "a/b", Content: "y"}},
	} {
		c.Has("/v1/agent/layers/0123456789abcdef", agenttest.Archive(t, entries...))
		if _, err := fetch(); err == nil {
			t.Errorf("%s is taken", name)
		}
		if _, err := os.Lstat(dir); err == nil {
			t.Errorf("%s: something is kept", name)
		}
	}
	c.Has("/v1/agent/layers/0123456789abcdef", agenttest.Archive(t, agenttest.Entry{Name: "css/", Kind: '5', Mode: 0o777}, agenttest.Entry{Name: "css/a.css", Content: "x", Mode: 0o4777}))
	if got, err := fetch(); err != nil || got != dir {
		t.Fatalf("%s, %v", got, err)
	}
	info, err := os.Stat(dir + "/css/a.css")
	if err != nil || info.Mode() != 0o640 || !info.ModTime().Equal(testbed.CollectedAt) {
		t.Errorf("%v, %v", info, err)
	}

	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int{"gone56789abcdef0": console.ExitFailed, "0123456789abcdef": 0} {
		p := testbed.Start(t, m.Agent(t, c, "fetch", "sha256:"+strings.Repeat("0", 64), "--static="+key))
		if code := p.Wait(t); code != want {
			t.Errorf("fetching %s ahead: exit code %d, said %s", key, code, &p.Said)
		}
	}
	if _, err := os.Stat(dir + "/css/a.css"); err != nil {
		t.Error(err)
	}

	// Beside its own an instance gets the files of the live release, and starts
	// without them when they are not to be had.
	fn := &Function{Target: cache.Target{UID: testbed.UID, Tree: c.Tree(t, agenttest.Entry{Name: "app.py"}), Home: m.Home, Cache: m.Cache, Node: m.Node, API: c.URL, Identity: m.Identity}, Static: "0123456789abcdef"}
	live := filepath.Join(m.Cache, "700999", "static", "fedcba9876543210")
	for i, answer := range []string{``, `{"keys":["../../x"]}`, `{"keys":["gone56789abcdef0"]}`, `{"keys":["0123456789abcdef","fedcba9876543210"]}`} {
		c.Has("/v1/agent/static", []byte(answer))
		c.Has("/v1/agent/layers/fedcba9876543210", agenttest.Archive(t, agenttest.Entry{Name: "old.0123456789ab.css", Content: "x"}))
		p, err := fn.Fetch(t.Context(), console.Logger{W: io.Discard})
		p.Close()
		if _, absent := os.Stat(live + "/old.0123456789ab.css"); err != nil || p.Static != dir || absent == nil != (i == 3) {
			t.Errorf("the live release is %s: %+v, %v; %v", answer, p, err, absent)
		}
	}
	c.Close()
	if _, err := fetch(); err != nil {
		t.Errorf("what is in the cache is fetched again: %v", err)
	}
}
