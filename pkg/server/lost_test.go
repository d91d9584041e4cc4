package server

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
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
	p, c := projectOf(t)
	contents := map[string]string{}
	for i := range files {
		contents[fmt.Sprintf("%d.py", i)] = fmt.Sprintf("print(%d)\n", i)
	}
	tree := newTree(contents)
	upload(t, c, "shop", tree)
	row, err := p.store.ProjectByName(t.Context(), "shop")
	ok(t, err)
	found, err := filepath.Glob(filepath.Join(p.blobPath, row.Scope(), pattern))
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
	if text, err := p.agentTree(t, path); err == nil {
		t.Errorf("the first agent got %d bytes as if nothing were wrong", len(text))
	}
	if resp, text := p.agentRequest(t, "GET", path, "shop", "web-a", nil); resp.StatusCode != http.StatusConflict || !strings.Contains(string(text), "push the code again") {
		t.Errorf("the second agent: %s %s", resp.Status, text)
	}
	_, err = c.Push(t.Context(), "shop", api.PushRequest{Tree: tree.Digest()})
	wantProblem(t, err, api.TreeMissing)
	ok(t, c.Upload(t.Context(), "shop", &api.Upload{Tree: tree, Ask: true}))
	p.wantTree(t, "shop", tree)
	if resp, text := p.agentRequest(t, "GET", path, "shop", "web-a", nil); resp.StatusCode != http.StatusOK || len(untar(t, text)) != files {
		t.Errorf("the third agent: %s", resp.Status)
	}
}

// agentTree asks for a tree, and returns an error when the answer breaks off.
func (p *platform) agentTree(t *testing.T, path string) ([]byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	ok(t, err)
	req.Header.Set("Authorization", "Bearer "+p.nomad.sign(t, jobClaims("shop", "web-a")))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// What comes along with a base that is known to be there is asked for all the same
// when something was lost.
func TestLostInBase(t *testing.T) {
	p, c := projectOf(t)
	files := map[string]string{"a.py": "print(1)\n", "b.py": "print(2)\n"}
	base := newTree(files)
	upload(t, c, "shop", base)
	row, err := p.store.ProjectByName(t.Context(), "shop")
	ok(t, err)
	ok(t, p.blobs.Drop(row.Scope(), digestOf(files["b.py"])))
	ok(t, os.Remove(filepath.Join(p.blobPath, row.Scope(), digestOf(files["b.py"]))))
	files["c.py"] = "print(3)\n"
	tree := newTree(files)
	send(t, c, "shop", tree, &base)
	p.wantTree(t, "shop", tree)
}

// A file of another size than a manifest says is the manifest's fault only as long
// as the file is what it was.
func TestTruncatedIsNotTheirFault(t *testing.T) {
	p, c := projectOf(t)
	tree := newTree(map[string]string{"a.py": "print(1)\n"})
	upload(t, c, "shop", tree)
	row, err := p.store.ProjectByName(t.Context(), "shop")
	ok(t, err)
	ok(t, os.Truncate(filepath.Join(p.blobPath, row.Scope(), digestOf("print(1)\n")), 2))
	more := newTree(map[string]string{"a.py": "print(1)\n", "b.py": "print(2)\n"})
	upload(t, c, "shop", more)
	p.wantTree(t, "shop", more)
}

// A layer that is lost is one that was not built.
func TestLostLayer(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, file string){
		"deleted": func(t *testing.T, file string) { ok(t, os.Remove(file)) }, "flipped": flip,
		"truncated": func(t *testing.T, file string) { ok(t, os.Truncate(file, 1)) },
	} {
		p, _ := projectOf(t)
		key := strings.Repeat("k", 16)
		path := "/v1/agent/layers/" + key
		put := func() {
			if resp, text := p.agentRequest(t, "PUT", path, "shop", "build-"+key, strings.NewReader("layer")); resp.StatusCode != http.StatusNoContent {
				t.Fatalf("%s %s", resp.Status, text)
			}
		}
		put()
		row, err := p.store.ProjectByName(t.Context(), "shop")
		ok(t, err)
		damage(t, filepath.Join(p.blobPath, row.Scope(), digestOf("layer")))
		for _, method := range []string{"GET", "HEAD", "GET"} {
			if resp, text := p.agentRequest(t, method, path, "shop", "web-a", nil); resp.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s %s", name, resp.Status, text)
			}
		}
		put()
		if resp, text := p.agentRequest(t, "GET", path, "shop", "web-a", nil); resp.StatusCode != http.StatusOK || !bytes.Equal(text, []byte("layer")) {
			t.Errorf("%s, built again: %s %s", name, resp.Status, text)
		}
	}
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
