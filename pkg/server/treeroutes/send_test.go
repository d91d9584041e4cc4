package treeroutes_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
)

func TestAgentTree(t *testing.T) {
	p, c := servertest.WithShop(t)
	if _, err := c.CreateProject(t.Context(), "bank"); err != nil {
		t.Fatal(err)
	}
	deep := strings.Repeat("d", 200) + "/" + strings.Repeat("f", 200)
	tree := treetest.New(map[string]string{"a.py": "print(1)", "b/é.py": "", "run.sh": "#!/bin/sh", deep: "deep"})
	for i, f := range tree.Files {
		tree.Files[i].Executable = f.Path == "run.sh"
	}
	servertest.Upload(t, c, "shop", tree)
	path := "/v1/agent/trees/" + strings.TrimPrefix(tree.Digest(), "sha256:")
	resp, first := p.AgentRequest(t, "GET", path, "shop", "web-a", nil)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/zstd" {
		t.Fatalf("%s %s", resp.Status, first)
	}
	if _, second := p.AgentRequest(t, "GET", path, "shop", "web-b", nil); !bytes.Equal(first, second) {
		t.Error("the same tree is not the same bytes")
	}
	want := []string{"0 644 0:0 a.py print(1)", "0 644 0:0 b/é.py ", "0 644 0:0 " + deep + " deep", "0 755 0:0 run.sh #!/bin/sh"}
	if got := untar(t, first); !slices.Equal(got, want) {
		t.Errorf("tar is %q, want %q", got, want)
	}
	// What the agent has is a link to it, but for what is executable.
	resp, shorter := p.AgentRequest(t, "GET", path+"?have="+treetest.DigestOf("print(1)")+","+treetest.DigestOf("#!/bin/sh")+","+treetest.DigestOf("else"), "shop", "web-a", nil)
	want[0] = "1 644 0:0 a.py " + treetest.DigestOf("print(1)")
	if got := untar(t, shorter); !slices.Equal(got, want) || resp.Header.Get(api.TreeBytesHeader) != "13" {
		t.Errorf("tar is %q, want %q; %s bytes", got, want, resp.Header.Get(api.TreeBytesHeader))
	}
	for _, c := range []struct {
		namespace, path string
		status          int
	}{
		{"shop", path + "?have=x", 400}, {"shop", path + "?have=" + strings.Repeat(","+treetest.DigestOf("x"), 201)[1:], 200},
		{"bank", path, 404}, {"nobody", path, 404}, {"shop", path[:len(path)-1] + "g", 400}, {"shop", "/v1/agent/trees/" + strings.Repeat("0", 64), 404},
	} {
		if resp, text := p.AgentRequest(t, "GET", c.path, c.namespace, "web-a", nil); resp.StatusCode != c.status {
			t.Errorf("%+v: %s %s", c, resp.Status, text)
		}
	}
}

// untar lists what an archive holds.
func untar(t *testing.T, packed []byte) (got []string) {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%c %o %d:%d %s %s%s", h.Typeflag, h.Mode, h.Uid, h.Gid, h.Name, text, h.Linkname))
	}
}
