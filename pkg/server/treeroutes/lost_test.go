package treeroutes_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
	"fngen.dev/fngen/pkg/server/workload/workloadtest"
)

// A content of a tree that is lost in whatever way is found out by the first who
// reads it, and asked for again from whoever pushes that tree, and only that.
func TestLostContents(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, file string){
		"deleted":   func(t *testing.T, file string) { ok(t, os.Remove(file)) },
		"truncated": func(t *testing.T, file string) { ok(t, os.Truncate(file, 3)) },
		"longer":    func(t *testing.T, file string) { ok(t, appendTo(file, "more")) },
		"flipped":   flip,
	} {
		t.Run(name+" in a file", func(t *testing.T) { lostAndSent(t, 3, "*", damage) })
		t.Run(name+" in a pack", func(t *testing.T) { lostAndSent(t, 100, "packs/*.pack", damage) })
	}
}

// lostAndSent damages the first of the files of a project's blobs that match.
func lostAndSent(t *testing.T, files int, pattern string, damage func(*testing.T, string)) {
	p, c := servertest.WithShop(t)
	contents := map[string]string{}
	for i := range files {
		contents[fmt.Sprintf("%d.py", i)] = fmt.Sprintf("print(%d)\n", i)
	}
	tree := treetest.New(contents)
	servertest.Upload(t, c, "shop", tree)
	row, err := p.Store.ProjectByName(t.Context(), "shop")
	ok(t, err)
	found, err := filepath.Glob(filepath.Join(p.BlobPath, row.Scope(), pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("%q, %v", found, err)
	}
	for _, file := range found {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			damage(t, file)
			break
		}
	}
	path := "/v1/agent/trees/" + strings.TrimPrefix(tree.Digest(), "sha256:")
	if text, err := agentTree(t, p, path); err == nil {
		t.Errorf("the first agent got %d bytes as if nothing were wrong", len(text))
	}
	if resp, text := p.AgentRequest(t, "GET", path, "shop", "web-a", nil); resp.StatusCode != http.StatusConflict || !strings.Contains(string(text), "push the code again") {
		t.Errorf("the second agent: %s %s", resp.Status, text)
	}
	_, err = c.Push(t.Context(), "shop", api.PushRequest{Tree: tree.Digest()})
	servertest.WantProblem(t, err, api.TreeMissing)
	ok(t, upload.Send(t.Context(), c, "shop", &upload.Request{Tree: tree, Ask: true}))
	p.WantTree(t, "shop", tree)
	if resp, text := p.AgentRequest(t, "GET", path, "shop", "web-a", nil); resp.StatusCode != http.StatusOK || len(untar(t, text)) != files {
		t.Errorf("the third agent: %s", resp.Status)
	}
}

// What comes along with a base that is known to be there is asked for all the same
// when something was lost.
func TestLostInBase(t *testing.T) {
	p, c := servertest.WithShop(t)
	files := map[string]string{"a.py": "print(1)\n", "b.py": "print(2)\n"}
	base := treetest.New(files)
	servertest.Upload(t, c, "shop", base)
	row, err := p.Store.ProjectByName(t.Context(), "shop")
	ok(t, err)
	ok(t, p.Blobs.Drop(row.Scope(), treetest.DigestOf(files["b.py"])))
	ok(t, os.Remove(filepath.Join(p.BlobPath, row.Scope(), treetest.DigestOf(files["b.py"]))))
	files["c.py"] = "print(3)\n"
	tree := treetest.New(files)
	servertest.Send(t, c, "shop", tree, &base)
	p.WantTree(t, "shop", tree)
}

// A file of another size than a manifest says is the manifest's fault only as long
// as the file is what it was.
func TestTruncatedIsNotTheirFault(t *testing.T) {
	p, c := servertest.WithShop(t)
	tree := treetest.New(map[string]string{"a.py": "print(1)\n"})
	servertest.Upload(t, c, "shop", tree)
	row, err := p.Store.ProjectByName(t.Context(), "shop")
	ok(t, err)
	ok(t, os.Truncate(filepath.Join(p.BlobPath, row.Scope(), treetest.DigestOf("print(1)\n")), 2))
	more := treetest.New(map[string]string{"a.py": "print(1)\n", "b.py": "print(2)\n"})
	servertest.Upload(t, c, "shop", more)
	p.WantTree(t, "shop", more)
}

func flip(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	ok(t, err)
	data[0] ^= 1
	ok(t, os.WriteFile(file, data, 0o600))
}

func appendTo(file, text string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, text...), 0o600)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// agentTree asks for a tree, and returns an error when the answer breaks off.
func agentTree(t *testing.T, p *servertest.Platform, path string) ([]byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+path, nil)
	ok(t, err)
	req.Header.Set("Authorization", "Bearer "+p.Nomad.Sign(t, workloadtest.JobClaims("shop", "web-a")))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}
