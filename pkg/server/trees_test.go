package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
)

func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// newTree makes a tree of files in memory.
func newTree(files map[string]string) source.Tree {
	tree := source.Tree{FS: fstest.MapFS{}}
	mem := fstest.MapFS{}
	for path, text := range files {
		mem[path] = &fstest.MapFile{Data: []byte(text)}
		tree.Files = append(tree.Files, source.File{Path: path, Size: int64(len(text)), SHA256: digestOf(text)})
	}
	tree.FS = mem
	tree.Sort()
	return tree
}

// upload sends a whole tree as the CLI does.
func upload(t *testing.T, c *api.Client, project string, tree source.Tree) {
	t.Helper()
	missing, err := c.Missing(t.Context(), project, tree.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UploadBlobs(t.Context(), project, tree.Digest(), tree, missing.SHA256); err != nil {
		t.Fatal(err)
	}
	if missing, err = c.Missing(t.Context(), project, tree.Manifest); err != nil || len(missing.SHA256) > 0 {
		t.Fatalf("after the upload %v are missing, %v", missing, err)
	}
}

func projectOf(t *testing.T) (*platform, *api.Client) {
	t.Helper()
	p := newPlatform(t)
	c, _ := p.account(t, "a@example.com")
	if _, err := c.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	return p, c
}

func TestUpload(t *testing.T) {
	p, c := projectOf(t)
	noise := make([]byte, 3<<20)
	rng := rand.NewChaCha8([32]byte{})
	_, _ = rng.Read(noise)
	files := map[string]string{"a.py": "print(1)\n", "same.py": "print(1)\n", "empty": "", "dir/é.bin": string(noise), "zeros": strings.Repeat("\x00", 40<<20)}
	tree := newTree(files)
	missing, err := c.Missing(t.Context(), "shop", tree.Manifest)
	if err != nil || len(missing.SHA256) != 4 {
		t.Fatalf("missing %v, %v", missing, err)
	}
	sent, err := c.UploadBlobs(t.Context(), "shop", tree.Digest(), tree, missing.SHA256)
	if err != nil || sent < 3<<20 || sent > 3<<20+100_000 {
		t.Fatalf("sent %d bytes, %v", sent, err)
	}
	upload(t, c, "shop", tree)
	project, err := p.store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := p.store.Tree(t.Context(), project.ID, tree.Digest()); err != nil || m.Digest() != tree.Digest() {
		t.Errorf("the tree is not kept: %v", err)
	}
	f, err := p.blobs.Open(project.Scope(), digestOf(string(noise)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, noise) {
		t.Errorf("the blob differs, %v", err)
	}
	// A change sends the change.
	files["a.py"] = "print(2)\n"
	tree = newTree(files)
	if missing, err = c.Missing(t.Context(), "shop", tree.Manifest); err != nil || !slices.Equal(missing.SHA256, []string{digestOf("print(2)\n")}) {
		t.Errorf("missing %v, %v", missing, err)
	}
}

func TestUploadOfChangedFile(t *testing.T) {
	_, c := projectOf(t)
	for name, now := range map[string]string{"other": "2", "shorter": "", "longer": "11"} {
		tree := newTree(map[string]string{"a.py": "1"})
		tree.FS = fstest.MapFS{"a.py": {Data: []byte(now)}}
		_, err := c.UploadBlobs(t.Context(), "shop", tree.Digest(), tree, []string{digestOf("1")})
		if name == "longer" {
			// The bytes of the manifest were sent; the next push sends the rest.
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "a.py changed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// put sends a body that no client of ours would make.
func put(t *testing.T, p *platform, key string, body io.Reader) *api.Problem {
	t.Helper()
	url := p.url + "/v1/projects/shop/trees/sha256:" + strings.Repeat("0", 64) + "/blobs"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return nil
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return decodeProblem(t, text)
}

// packed compresses what f writes as blobs.
func packed(t *testing.T, f func(*api.BlobWriter) error) []byte {
	t.Helper()
	var buf bytes.Buffer
	z, err := zstd.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f(api.NewBlobWriter(z)), z.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestUploadRefuses(t *testing.T) {
	p := newPlatform(t)
	c, secret := p.account(t, "a@example.com")
	if _, err := c.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	good := packed(t, func(w *api.BlobWriter) error {
		return errors.Join(w.Write(digestOf("first"), 5, strings.NewReader("first")),
			w.Write(digestOf(string(noise)), int64(len(noise)), bytes.NewReader(noise)))
	})
	flipped := slices.Clone(good)
	flipped[len(flipped)/2] ^= 1
	zeros := func(n int64) []byte {
		return packed(t, func(w *api.BlobWriter) error {
			for range n / (50 << 20) {
				if err := w.Write(digestOf("x"), 50<<20, io.LimitReader(zeroReader{}, 50<<20)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for name, body := range map[string]struct {
		body []byte
		code api.Code
	}{
		"not zstd":    {[]byte("hello"), api.Invalid},
		"truncated":   {good[:len(good)*2/3], api.Invalid},
		"corrupt":     {flipped, api.Invalid},
		"wrong bytes": {packed(t, func(w *api.BlobWriter) error { return w.Write(digestOf("a"), 1, strings.NewReader("b")) }), api.Invalid},
		"no blobs":    {packed(t, func(*api.BlobWriter) error { return nil }), ""},
		"a large blob": {packed(t, func(w *api.BlobWriter) error {
			return w.Write(digestOf("a"), api.MaxFileBytes+1, zeroReader{})
		}), api.TooLarge},
		"wrong zeros": {zeros(50 << 20), api.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			got := put(t, p, secret.Reveal(), bytes.NewReader(body.body))
			if body.code == "" {
				if got != nil {
					t.Errorf("problem %+v", got)
				}
				return
			}
			if got == nil || got.Code != body.code {
				t.Errorf("problem %+v, want %s", got, body.code)
			}
		})
	}
	// What came whole before the fault is kept, so the next try is shorter.
	missing, err := c.Missing(t.Context(), "shop", newTree(map[string]string{"1": "first", "2": string(noise)}).Manifest)
	if err != nil || !slices.Equal(missing.SHA256, []string{digestOf(string(noise))}) {
		t.Errorf("missing %v, %v", missing, err)
	}
	if strings.Contains(p.log.String(), `"level":"ERROR"`) {
		t.Errorf("a caller's fault was logged as ours:\n%s", p.log)
	}
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestBomb keeps every blob within its bounds and lets them grow from nothing.
func TestBomb(t *testing.T) {
	p := newPlatform(t)
	c, secret := p.account(t, "a@example.com")
	if _, err := c.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	const size = 90 << 20
	h := sha256.New()
	if _, err := io.CopyN(h, zeroReader{}, size); err != nil {
		t.Fatal(err)
	}
	digest := hex.EncodeToString(h.Sum(nil))
	body := packed(t, func(w *api.BlobWriter) error {
		return errors.Join(w.Write(digest, size, zeroReader{}), w.Write(digest, size, zeroReader{}))
	})
	if got := put(t, p, secret.Reveal(), bytes.NewReader(body)); got == nil || got.Code != api.TooLarge {
		t.Errorf("problem %+v", got)
	}
}

// TestSizesAreChecked claims that a blob is smaller than it is, which would slip
// past the limits.
func TestSizesAreChecked(t *testing.T) {
	p, c := projectOf(t)
	tree := newTree(map[string]string{"a": "hello"})
	upload(t, c, "shop", tree)
	lie := source.Manifest{Files: slices.Clone(tree.Files)}
	lie.Files[0].Size = 1
	_, err := c.Missing(t.Context(), "shop", lie)
	wantProblem(t, err, api.Invalid)
	project, err := p.store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if has, err := p.store.HasTree(t.Context(), project.ID, lie.Digest()); has || err != nil {
		t.Errorf("the lie is kept: %v, %v", has, err)
	}
}

// TestEarlyRefusal answers while the client still sends much: it sees the
// problem, not a broken connection.
func TestEarlyRefusal(t *testing.T) {
	_, c := projectOf(t)
	noise := make([]byte, 8<<20)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(noise)
	tree := newTree(map[string]string{"noise": string(noise)})
	for range 10 {
		_, err := c.UploadBlobs(t.Context(), "nothing", tree.Digest(), tree, []string{tree.Files[0].SHA256})
		wantProblem(t, err, api.NotFound)
	}
}
