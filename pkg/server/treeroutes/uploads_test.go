package treeroutes_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
)

// onDisk is a directory with one large file and some code, scanned as a push does.
type onDisk struct{ dir, cache string }

func newOnDisk(t *testing.T, large string) *onDisk {
	t.Helper()
	d := &onDisk{t.TempDir(), t.TempDir()}
	d.write(t, "app.py", "print(1)\n")
	d.write(t, "assets/big_video.mp4", large)
	return d
}

func (d *onDisk) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d *onDisk) scan(t *testing.T) *source.Scanned {
	t.Helper()
	s, err := source.Scan(t.Context(), d.dir, source.Options{Indexes: d.cache, Later: api.LargeBytes + 1})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func uploadOf(s *source.Scanned) *upload.Request {
	return &upload.Request{Tree: s.Tree, Unread: s, Settled: s.Remember}
}

// TestLargeFile sends a file that nobody has read before, in one pass.
func TestLargeFile(t *testing.T) {
	p, c := servertest.WithShop(t)
	d := newOnDisk(t, treetest.Noise(1, 20<<20))
	s := d.scan(t)
	if s.Whole() {
		t.Fatal("it was read")
	}
	u := uploadOf(s)
	if err := upload.Send(t.Context(), c, "shop", u); err != nil {
		t.Fatal(err)
	}
	if sent := u.Sent.Load(); sent < 20<<20 || sent > 20<<20+100_000 || u.Done.Load() < 20<<20 || u.Bytes() != 20<<20+9 {
		t.Errorf("sent %d bytes, %d of %d done", sent, u.Done.Load(), u.Bytes())
	}
	if !s.Whole() {
		t.Fatal("it has no digest yet")
	}
	p.WantTree(t, "shop", s.Tree)
	// A fresh machine knows no digest: it reads, and sends nothing of it.
	d.cache = t.TempDir()
	again := d.scan(t)
	u = uploadOf(again)
	u.Base = &s.Manifest
	if err := upload.Send(t.Context(), c, "shop", u); err != nil || u.Sent.Load() > 1000 || again.Digest() != s.Digest() {
		t.Errorf("%d bytes were sent, %v", u.Sent.Load(), err)
	}
}

// What compresses is sent compressed, and twice the same content is one.
func TestLargeFilesThatCompress(t *testing.T) {
	p, c := servertest.WithShop(t)
	d := newOnDisk(t, strings.Repeat("a line of a log\n", 1<<20))
	d.write(t, "copy.log", strings.Repeat("a line of a log\n", 1<<20))
	s := d.scan(t)
	u := uploadOf(s)
	if err := upload.Send(t.Context(), c, "shop", u); err != nil || u.Sent.Load() > 2<<20 {
		t.Errorf("sent %d bytes, %v", u.Sent.Load(), err)
	}
	p.WantTree(t, "shop", s.Tree)
}

// Pushes of the same content at once: one sends it, all have it.
func TestLargeFileTwiceAtOnce(t *testing.T) {
	p, c := servertest.WithShop(t)
	film := treetest.Noise(5, 30<<20)
	var group sync.WaitGroup
	var trees [4]source.Tree
	for i := range trees {
		d := newOnDisk(t, film)
		d.write(t, "app.py", fmt.Sprintf("print(%d)\n", i))
		s, err := source.Scan(t.Context(), d.dir, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		trees[i] = s.Tree
		group.Go(func() {
			if err := upload.Send(t.Context(), c, "shop", &upload.Request{Tree: s.Tree}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, tree := range trees {
		p.WantTree(t, "shop", tree)
	}
}

// A file that changes while it is sent is named, and nothing is made of it.
func TestLargeFileChanges(t *testing.T) {
	_, c := servertest.WithShop(t)
	for name, change := range map[string]func(path string) error{
		"shrinks": func(path string) error { return os.Truncate(path, 12<<20) },
		"grows":   func(path string) error { return os.Truncate(path, 50<<20) },
		"is written": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteAt([]byte("new"), 39<<20)
				f.Close()
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newOnDisk(t, treetest.Noise(6, 40<<20))
			s := d.scan(t)
			u := uploadOf(s)
			u.Unread = &changing{Scanned: s, change: func() error { return change(d.dir + "/assets/big_video.mp4") }}
			err := upload.Send(t.Context(), c, "shop", u)
			if err == nil || !strings.Contains(err.Error(), "big_video.mp4 changed while it was uploaded") {
				t.Errorf("%v", err)
			}
		})
	}
	if m, err := c.LatestTree(t.Context(), "shop"); err == nil {
		t.Errorf("a tree was made: %+v", m)
	}
}

// changing changes a file that is open and of which nothing is read.
type changing struct {
	*source.Scanned
	change func() error
}

func (c *changing) Read(n int) (*source.Reading, error) {
	r, err := c.Scanned.Read(n)
	if err == nil {
		err = c.change()
	}
	return r, err
}
