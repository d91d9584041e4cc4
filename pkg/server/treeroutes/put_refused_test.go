package treeroutes_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/delta"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
)

func TestUploadRefuses(t *testing.T) {
	p, c := servertest.WithShop(t)
	large := treetest.Noise(1, 1<<20)
	tree := treetest.New(map[string]string{"1": "first", "2": large})
	m, digest := tree.Manifest, tree.Digest()
	good := treetest.NewStream(t, m).Content(1, "first").Content(1, large).End()
	flipped := slices.Clone(good)
	flipped[len(flipped)/2] ^= 1
	evil := source.Manifest{Files: []source.File{{Path: "../a", Size: 1, SHA256: treetest.DigestOf("a")}}}
	small := source.Manifest{Files: []source.File{{Path: "a", Size: 5, SHA256: treetest.DigestOf("never sent")}}}
	whole := source.Manifest{Files: []source.File{{Path: "a", Size: api.LargeBytes + 1, SHA256: treetest.DigestOf("large")}}}
	huge := new(treetest.Stream)
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
		{"no end", "", digest, treetest.NewStream(t, m).Content(1, "first").Packed(), api.Invalid},
		{"more after the end", "", digest, append(treetest.NewStream(t, m).End(), treetest.NewStream(t, m).End()...), api.Invalid},
		{"other bytes", "", digest, treetest.NewStream(t, m).Content(2, "x"+large[1:]).End(), api.Invalid},
		{"other small bytes", "", small.Digest(), treetest.NewStream(t, small).Content(1, "f1rst").End(), api.Invalid},
		{"a file that is not there", "", digest, treetest.NewStream(t, m).Content(3, "x").End(), api.Invalid},
		{"a step of 2^63", "", digest, treetest.NewStream(t, m).Content(1<<63, "x").End(), api.Invalid},
		{"a manifest of another tree", "", digest, treetest.NewStream(t, evil).End(), api.Invalid},
		{"a path that leaves", "", evil.Digest(), treetest.NewStream(t, evil).Content(1, "a").End(), api.Invalid},
		{"a content that is sent by itself", "", whole.Digest(), treetest.NewStream(t, whole).Content(1, "large").End(), api.Invalid},
		{"a huge manifest", "", digest, huge.Packed(), api.TooLarge},
		{"a base that is not there", "?base=sha256:" + strings.Repeat("0", 64), digest, good, api.BaseUnknown},
		{"a base that is no digest", "?base=x", digest, good, api.Invalid},
		{"a digest that is none", "", "sha256:x", good, api.Invalid},
	} {
		if got := p.Put(t, c.digest, c.query, bytes.NewReader(c.body)); got == nil || got.Code != c.code {
			t.Errorf("%s: problem %+v, want %s", c.name, got, c.code)
		}
	}
	if strings.Contains(p.Log.String(), `"level":"ERROR"`) {
		t.Errorf("a caller's fault was logged as ours:\n%s", p.Log)
	}
	// What came whole before a fault is kept, so the next try is shorter.
	u := &upload.Request{Tree: tree, Ask: true}
	if err := upload.Send(t.Context(), c, "shop", u); err != nil || u.Sent.Load() < 1<<20 || u.Sent.Load() > 1<<20+500 {
		t.Errorf("sent %d bytes, %v", u.Sent.Load(), err)
	}
	p.WantTree(t, "shop", tree)
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestBomb keeps every file within its bounds and lets them grow from nothing.
func TestBomb(t *testing.T) {
	p, _ := servertest.WithShop(t)
	m := source.Manifest{}
	for i := range 40 {
		h := sha256.New()
		size := int64(api.LargeBytes - i)
		if _, err := io.CopyN(h, zeroReader{}, size); err != nil {
			t.Fatal(err)
		}
		m.Files = append(m.Files, source.File{Path: fmt.Sprintf("%02d", i), Size: size, SHA256: hex.EncodeToString(h.Sum(nil))})
	}
	s := treetest.NewStream(t, m)
	for _, f := range m.Files {
		s.Content(1, strings.Repeat("\x00", int(f.Size)))
	}
	if got := p.Put(t, m.Digest(), "", bytes.NewReader(s.End())); got == nil || got.Code != api.TooLarge {
		t.Errorf("problem %+v", got)
	}
}

// TestSizesAreChecked claims that a content is smaller than it is, which would
// slip past the limits.
func TestSizesAreChecked(t *testing.T) {
	p, c := servertest.WithShop(t)
	tree := treetest.New(map[string]string{"a": "hello"})
	servertest.Upload(t, c, "shop", tree)
	lie := source.Manifest{Files: slices.Clone(tree.Files)}
	lie.Files[0].Size = 1
	for name, base := range map[string]*api.Manifest{"alone": nil, "from a base": &tree.Manifest} {
		err := upload.Send(t.Context(), c, "shop", &upload.Request{Tree: source.Tree{Manifest: lie}, Base: base, Ask: true})
		if servertest.WantProblem(t, err, api.Invalid); t.Failed() {
			t.Fatal(name)
		}
	}
	project, err := p.Store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if has, err := p.Store.UseTree(t.Context(), project.ID, lie.Digest()); has || err != nil {
		t.Errorf("the lie is kept: %v, %v", has, err)
	}
}

// TestDigestGivesNothing asks in one project for what another one has.
func TestDigestGivesNothing(t *testing.T) {
	p, c := servertest.WithShop(t)
	tree := treetest.New(map[string]string{"secret.py": "KEY = 1"})
	servertest.Upload(t, c, "shop", tree)
	if _, err := c.CreateProject(t.Context(), "bank"); err != nil {
		t.Fatal(err)
	}
	_, err := c.Push(t.Context(), "bank", api.PushRequest{Tree: tree.Digest()})
	servertest.WantProblem(t, err, api.TreeMissing)
	// The manifest alone, without the contents: they are asked for.
	u := &upload.Request{Tree: tree, Base: &tree.Manifest}
	if err := upload.Send(t.Context(), c, "bank", u); err != nil {
		t.Fatal(err)
	}
	p.WantTree(t, "bank", tree)
	blind := &upload.Request{Tree: source.Tree{Manifest: tree.Manifest, FS: fstest.MapFS{}}}
	if _, err := c.CreateProject(t.Context(), "third"); err != nil {
		t.Fatal(err)
	}
	if err := upload.Send(t.Context(), c, "third", blind); err == nil {
		t.Error("a tree was accepted of someone who has no content")
	}
}

// TestEarlyRefusal answers while the client still sends much: it sees the
// problem, not a broken connection.
func TestEarlyRefusal(t *testing.T) {
	_, c := servertest.WithShop(t)
	tree := treetest.New(map[string]string{"noise": treetest.Noise(2, 8<<20)})
	for range 10 {
		err := upload.Send(t.Context(), c, "nothing", &upload.Request{Tree: tree})
		servertest.WantProblem(t, err, api.NotFound)
	}
}
