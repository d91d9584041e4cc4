package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/delta"
)

func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// newTree makes a tree of files in memory.
func newTree(files map[string]string) source.Tree {
	tree := source.Tree{}
	mem := fstest.MapFS{}
	for path, text := range files {
		mem[path] = &fstest.MapFile{Data: []byte(text)}
		tree.Files = append(tree.Files, source.File{Path: path, Size: int64(len(text)), SHA256: digestOf(text)})
	}
	tree.FS = mem
	tree.Sort()
	return tree
}

// noise does not compress.
func noise(seed byte, size int) string {
	out := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(out)
	return string(out)
}

// send uploads a tree as the CLI does, and returns how many bytes it took.
func send(t *testing.T, c *api.Client, project string, tree source.Tree, base *source.Tree) int64 {
	t.Helper()
	u := &api.Upload{Tree: tree}
	if base != nil {
		u.Base = &base.Manifest
	}
	if err := c.Upload(t.Context(), project, u); err != nil {
		t.Fatal(err)
	}
	return u.Sent.Load()
}

func upload(t *testing.T, c *api.Client, project string, tree source.Tree) {
	t.Helper()
	send(t, c, project, tree, nil)
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

// wantTree holds that a project has a tree with all its contents.
func (p *platform) wantTree(t *testing.T, project string, tree source.Tree) {
	t.Helper()
	row, err := p.store.ProjectByName(t.Context(), project)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.store.Tree(t.Context(), row.ID, tree.Digest())
	if err != nil || m.Digest() != tree.Digest() {
		t.Fatalf("the tree is not kept: %v", err)
	}
	view, err := p.blobs.View(row.Scope())
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	for _, f := range m.Files {
		blob, err := view.Open(f.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(blob)
		want, _ := fs.ReadFile(tree.FS, f.Path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs: %v", f.Path, err)
		}
		blob.Close()
	}
}

func TestUpload(t *testing.T) {
	p, c := projectOf(t)
	files := map[string]string{
		"a.py": "print(1)\n", "same.py": "print(1)\n", "empty": "", "dir/é.bin": noise(0, 3<<20), "zeros": strings.Repeat("\x00", 40<<20),
	}
	for i := range 300 {
		files[fmt.Sprintf("small/%d.txt", i)] = fmt.Sprint(i)
	}
	first := newTree(files)
	if sent := send(t, c, "shop", first, nil); sent < 3<<20 || sent > 3<<20+100_000 {
		t.Errorf("sent %d bytes", sent)
	}
	p.wantTree(t, "shop", first)
	if m, err := c.LatestTree(t.Context(), "shop"); err != nil || m.Digest() != first.Digest() {
		t.Errorf("the latest tree is %v, %v", m, err)
	}
	delete(files, "empty")
	files["a.py"], files["moved.bin"] = "print(2)\n", files["dir/é.bin"]
	second := newTree(files)
	if sent := send(t, c, "shop", second, &first); sent > 400 {
		t.Errorf("the change took %d bytes", sent)
	}
	p.wantTree(t, "shop", second)
}

func TestNoTreeYet(t *testing.T) {
	_, c := projectOf(t)
	if m, err := c.LatestTree(t.Context(), "shop"); !errors.Is(err, api.ErrNoTree) {
		t.Errorf("%v, %v", m, err)
	}
	empty := newTree(nil)
	upload(t, c, "shop", empty)
	if m, err := c.LatestTree(t.Context(), "shop"); err != nil || len(m.Files) != 0 {
		t.Errorf("%v, %v", m, err)
	}
}

// A change of one line costs its file and less than a kilobyte, counted where
// the connection is.
func TestOneLine(t *testing.T) {
	p, _ := projectOf(t)
	p.proxy = newCutter(t, p.url)
	c := p.client(t, p.key)
	files := map[string]string{}
	for i := range 10_000 {
		files[fmt.Sprintf("package_%02d/module_%05d.py", i%97, i)] = fmt.Sprintf("VALUE = %d\n", i)
	}
	file := noise(3, 2000)
	files["package_07/changes.py"] = file
	before := newTree(files)
	upload(t, c, "shop", before)
	files["package_07/changes.py"] = file + "\nprint(1)\n"
	after := newTree(files)
	wire := p.proxy.received.Load()
	sent := send(t, c, "shop", after, &before)
	if limit := int64(len(file) + 1024); sent > limit || p.proxy.received.Load()-wire > limit {
		t.Errorf("sent %d bytes, %d with the headers", sent, p.proxy.received.Load()-wire)
	}
	p.wantTree(t, "shop", after)
}

// A tree that the platform has is known by its digest; the body is not read.
func TestKnownTree(t *testing.T) {
	p, c := projectOf(t)
	tree := newTree(map[string]string{"a": noise(1, 20<<20)})
	upload(t, c, "shop", tree)
	if problem := put(t, p, tree.Digest(), "", strings.NewReader("this is no stream")); problem != nil {
		t.Errorf("problem %+v", problem)
	}
}

func TestUploadOfChangedFile(t *testing.T) {
	_, c := projectOf(t)
	for name, now := range map[string]string{"other": "2", "shorter": "", "longer": "11"} {
		tree := newTree(map[string]string{"a.py": "1"})
		tree.FS = fstest.MapFS{"a.py": {Data: []byte(now)}}
		err := c.Upload(t.Context(), "shop", &api.Upload{Tree: tree})
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
func put(t *testing.T, p *platform, digest, query string, body io.Reader) *api.Problem {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.url+"/v1/projects/shop/trees/"+digest+query, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return decodeProblem(t, text)
}

// stream writes a tree stream from what it is told, true or not.
type stream struct{ bytes.Buffer }

func newStream(t *testing.T, m source.Manifest) *stream {
	t.Helper()
	text, err := delta.Encode(source.Manifest{}, m)
	if err != nil {
		t.Fatal(err)
	}
	s := new(stream)
	s.Write(binary.AppendUvarint(nil, uint64(len(text))))
	s.Write(text)
	return s
}

func (s *stream) content(step uint64, text string) *stream {
	s.Write(binary.AppendUvarint(nil, step))
	s.WriteString(text)
	return s
}

func (s *stream) end() []byte {
	s.WriteByte(0)
	return s.packed()
}

func (s *stream) packed() []byte {
	z, err := zstd.NewWriter(nil, zstd.WithWindowSize(maxWindow))
	if err != nil {
		panic(err)
	}
	return z.EncodeAll(s.Bytes(), nil)
}

func TestUploadRefuses(t *testing.T) {
	p, c := projectOf(t)
	large := noise(1, 1<<20)
	tree := newTree(map[string]string{"1": "first", "2": large})
	m, digest := tree.Manifest, tree.Digest()
	good := newStream(t, m).content(1, "first").content(1, large).end()
	flipped := slices.Clone(good)
	flipped[len(flipped)/2] ^= 1
	evil := source.Manifest{Files: []source.File{{Path: "../a", Size: 1, SHA256: digestOf("a")}}}
	small := source.Manifest{Files: []source.File{{Path: "a", Size: 5, SHA256: digestOf("never sent")}}}
	whole := source.Manifest{Files: []source.File{{Path: "a", Size: api.LargeBytes + 1, SHA256: digestOf("large")}}}
	huge := new(stream)
	huge.Write(binary.AppendUvarint(nil, delta.MaxBytes+1))
	for _, c := range []struct {
		name, query string
		digest      string
		body        []byte
		code        api.Code
	}{
		{"nothing", "", digest, nil, api.Invalid},
		{"not zstd", "", digest, []byte("hello"), api.Invalid},
		{"truncated", "", digest, good[:len(good)*2/3], api.Invalid},
		{"corrupt", "", digest, flipped, api.Invalid},
		{"no end", "", digest, newStream(t, m).content(1, "first").packed(), api.Invalid},
		{"more after the end", "", digest, append(newStream(t, m).end(), newStream(t, m).end()...), api.Invalid},
		{"other bytes", "", digest, newStream(t, m).content(2, "x"+large[1:]).end(), api.Invalid},
		{"other small bytes", "", small.Digest(), newStream(t, small).content(1, "f1rst").end(), api.Invalid},
		{"a file that is not there", "", digest, newStream(t, m).content(3, "x").end(), api.Invalid},
		{"a step of 2^63", "", digest, newStream(t, m).content(1<<63, "x").end(), api.Invalid},
		{"a manifest of another tree", "", digest, newStream(t, evil).end(), api.Invalid},
		{"a path that leaves", "", evil.Digest(), newStream(t, evil).content(1, "a").end(), api.Invalid},
		{"a content that is sent by itself", "", whole.Digest(), newStream(t, whole).content(1, "large").end(), api.Invalid},
		{"a huge manifest", "", digest, huge.packed(), api.TooLarge},
		{"a base that is not there", "?base=sha256:" + strings.Repeat("0", 64), digest, good, api.BaseUnknown},
		{"a base that is no digest", "?base=x", digest, good, api.Invalid},
		{"a digest that is none", "", "sha256:x", good, api.Invalid},
	} {
		if got := put(t, p, c.digest, c.query, bytes.NewReader(c.body)); got == nil || got.Code != c.code {
			t.Errorf("%s: problem %+v, want %s", c.name, got, c.code)
		}
	}
	if strings.Contains(p.log.String(), `"level":"ERROR"`) {
		t.Errorf("a caller's fault was logged as ours:\n%s", p.log)
	}
	// What came whole before a fault is kept, so the next try is shorter.
	u := &api.Upload{Tree: tree, Ask: true}
	if err := c.Upload(t.Context(), "shop", u); err != nil || u.Sent.Load() < 1<<20 || u.Sent.Load() > 1<<20+500 {
		t.Errorf("sent %d bytes, %v", u.Sent.Load(), err)
	}
	p.wantTree(t, "shop", tree)
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestBomb keeps every file within its bounds and lets them grow from nothing.
func TestBomb(t *testing.T) {
	p, _ := projectOf(t)
	m := source.Manifest{}
	for i := range 40 {
		h := sha256.New()
		size := int64(api.LargeBytes - i)
		if _, err := io.CopyN(h, zeroReader{}, size); err != nil {
			t.Fatal(err)
		}
		m.Files = append(m.Files, source.File{Path: fmt.Sprintf("%02d", i), Size: size, SHA256: hex.EncodeToString(h.Sum(nil))})
	}
	s := newStream(t, m)
	for _, f := range m.Files {
		s.content(1, strings.Repeat("\x00", int(f.Size)))
	}
	if got := put(t, p, m.Digest(), "", bytes.NewReader(s.end())); got == nil || got.Code != api.TooLarge {
		t.Errorf("problem %+v", got)
	}
}

// TestSizesAreChecked claims that a content is smaller than it is, which would
// slip past the limits.
func TestSizesAreChecked(t *testing.T) {
	p, c := projectOf(t)
	tree := newTree(map[string]string{"a": "hello"})
	upload(t, c, "shop", tree)
	lie := source.Manifest{Files: slices.Clone(tree.Files)}
	lie.Files[0].Size = 1
	for name, base := range map[string]*api.Manifest{"alone": nil, "from a base": &tree.Manifest} {
		err := c.Upload(t.Context(), "shop", &api.Upload{Tree: source.Tree{Manifest: lie}, Base: base, Ask: true})
		if wantProblem(t, err, api.Invalid); t.Failed() {
			t.Fatal(name)
		}
	}
	project, err := p.store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if has, err := p.store.UseTree(t.Context(), project.ID, lie.Digest()); has || err != nil {
		t.Errorf("the lie is kept: %v, %v", has, err)
	}
}

// TestDigestGivesNothing asks in one project for what another one has.
func TestDigestGivesNothing(t *testing.T) {
	p, c := projectOf(t)
	tree := newTree(map[string]string{"secret.py": "KEY = 1"})
	upload(t, c, "shop", tree)
	if _, err := c.CreateProject(t.Context(), "bank"); err != nil {
		t.Fatal(err)
	}
	_, err := c.Push(t.Context(), "bank", api.PushRequest{Tree: tree.Digest()})
	wantProblem(t, err, api.TreeMissing)
	// The manifest alone, without the contents: they are asked for.
	u := &api.Upload{Tree: tree, Base: &tree.Manifest}
	if err := c.Upload(t.Context(), "bank", u); err != nil {
		t.Fatal(err)
	}
	p.wantTree(t, "bank", tree)
	blind := &api.Upload{Tree: source.Tree{Manifest: tree.Manifest, FS: fstest.MapFS{}}}
	if _, err := c.CreateProject(t.Context(), "third"); err != nil {
		t.Fatal(err)
	}
	if err := c.Upload(t.Context(), "third", blind); err == nil {
		t.Error("a tree was accepted of someone who has no content")
	}
}

// TestEarlyRefusal answers while the client still sends much: it sees the
// problem, not a broken connection.
func TestEarlyRefusal(t *testing.T) {
	_, c := projectOf(t)
	tree := newTree(map[string]string{"noise": noise(2, 8<<20)})
	for range 10 {
		err := c.Upload(t.Context(), "nothing", &api.Upload{Tree: tree})
		wantProblem(t, err, api.NotFound)
	}
}

// FuzzTreeStream takes any bytes as a stream, with a base and without. What is
// accepted is within the limits that its manifest says.
func FuzzTreeStream(f *testing.F) {
	tree := newTree(map[string]string{"a.py": "1", "b/c.py": "22", "d": ""})
	text, err := delta.Encode(source.Manifest{}, tree.Manifest)
	if err != nil {
		f.Fatal(err)
	}
	head := append(binary.AppendUvarint(nil, uint64(len(text))), text...)
	f.Add(append(slices.Clone(head), 1, '1', 1, '2', '2', 1, 0))
	f.Add(append(slices.Clone(head), 0))
	f.Add([]byte{1, 3<<2 | 2, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, base := range []source.Manifest{{}, tree.Manifest} {
			in := api.NewTreeReader(bytes.NewReader(body))
			text, err := in.Delta(func(int64) error { return nil })
			if err != nil {
				continue
			}
			m, err := delta.Apply(base, text)
			if err != nil || checkManifest(m) != nil {
				continue
			}
			in.Contents(m)
			total := int64(0)
			for {
				_, content, err := in.Next()
				if err != nil {
					break
				}
				n, _ := io.Copy(io.Discard, content)
				total += n
			}
			if total > m.Size() || total > int64(len(body)) {
				t.Fatalf("%d bytes of a tree of %d", total, m.Size())
			}
		}
	})
}
