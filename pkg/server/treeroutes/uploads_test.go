package treeroutes_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/server"
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

// TestLargeFileGoesOn cuts the connection anywhere: what had arrived is not sent
// again.
func TestLargeFileGoesOn(t *testing.T) {
	p, _ := servertest.WithShop(t)
	p.Proxy = servertest.NewCutter(t, p.URL)
	c := p.Client(t, p.Key)
	rng := rand.New(rand.NewPCG(3, 4))
	const size, lost = 40 << 20, 3 << 20
	for turn := range 6 {
		d := newOnDisk(t, treetest.Noise(byte(turn), size))
		s := d.scan(t)
		if turn%2 == 1 { // its digest is known
			var err error
			if s, err = source.Scan(t.Context(), d.dir, source.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		cut := rng.Int64N(size)
		p.Proxy.Received.Store(0)
		p.Proxy.Left.Store(cut)
		if err := upload.Send(t.Context(), c, "shop", uploadOf(s)); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if got := p.Proxy.Received.Load(); p.Proxy.Left.Load() >= 0 || got > size+lost {
			t.Errorf("cut at %d: %d bytes arrived for %d", cut, got, size)
		}
		p.WantTree(t, "shop", s.Tree)
	}
}

// TestLargeFileByTheNextPush interrupts a push, as Ctrl-C does, and pushes again.
func TestLargeFileByTheNextPush(t *testing.T) {
	p, c := servertest.WithShop(t)
	const size = 60 << 20
	d := newOnDisk(t, treetest.Noise(9, size))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.Proxy = servertest.NewCutter(t, p.URL)
	p.Proxy.Cut = cancel
	p.Proxy.Left.Store(30 << 20)
	u := uploadOf(d.scan(t))
	if err := upload.Send(ctx, p.Client(t, p.Key), "shop", u); err == nil {
		t.Fatal("it was not interrupted")
	}
	s := d.scan(t)
	u = uploadOf(s)
	if err := upload.Send(t.Context(), c, "shop", u); err != nil {
		t.Fatal(err)
	}
	if sent := u.Sent.Load(); sent > size-20<<20 {
		t.Errorf("the rest took %d bytes", sent)
	}
	p.WantTree(t, "shop", s.Tree)
}

// TestLargeFileWithoutAnswer loses the answer to a content that has arrived: it is
// asked for and not sent again.
func TestLargeFileWithoutAnswer(t *testing.T) {
	p, _ := servertest.WithShop(t)
	var pieces atomic.Int64
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPatch {
			p.Server().ServeHTTP(w, r)
			return
		}
		pieces.Add(1)
		p.Server().ServeHTTP(&silent{w}, r)
		panic(http.ErrAbortHandler)
	}))
	defer ts.Close()
	c, err := api.NewClient(ts.URL, p.Key, "", "test")
	if err != nil {
		t.Fatal(err)
	}
	s := newOnDisk(t, treetest.Noise(8, 9<<20)).scan(t)
	if err := upload.Send(t.Context(), c, "shop", uploadOf(s)); err != nil || pieces.Load() != 1 {
		t.Errorf("sent %d times, %v", pieces.Load(), err)
	}
	p.WantTree(t, "shop", s.Tree)
}

// silent says nothing to anybody.
type silent struct{ inner http.ResponseWriter }

func (s *silent) Header() http.Header         { return http.Header{} }
func (s *silent) Write(p []byte) (int, error) { return len(p), nil }
func (s *silent) WriteHeader(int)             {}
func (s *silent) Unwrap() http.ResponseWriter { return s.inner }

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

// patch sends a piece that no client of ours would send.
func patch(t *testing.T, p *servertest.Platform, id, query string, body []byte) (*api.Problem, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, p.URL+"/v1/projects/shop/uploads/"+id+query, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.Key)
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
		return nil, string(text)
	}
	return servertest.DecodeProblem(t, text), ""
}

func zstdOf(text string, window int) []byte {
	z, err := zstd.NewWriter(nil, zstd.WithWindowSize(window))
	if err != nil {
		panic(err)
	}
	return z.EncodeAll([]byte(text), nil)
}

func TestPieceRefuses(t *testing.T) {
	p, _ := servertest.WithShop(t)
	text := treetest.Noise(1, api.LargeBytes+5)
	id := treetest.DigestOf("of this test")
	const size = "8388613"
	whole := "?offset=0&size=" + size
	good := zstdOf(text, treetest.Window)
	for _, c := range []struct {
		name, id, query string
		body            []byte
		code            api.Code
	}{
		{"an id that is none", "x", whole, good, api.Invalid},
		{"no size", id, "?offset=0", good, api.Invalid},
		{"a small content", id, "?offset=0&size=100", good, api.Invalid},
		{"2 GiB and 1 byte", id, "?offset=0&size=2147483649", nil, api.TooLarge},
		{"an offset that is not there", id, "?offset=7&size=" + size, good, api.OffsetMismatch},
		{"a negative offset", id, "?offset=-1&size=" + size, good, api.OffsetMismatch},
		{"not zstd", id, whole, []byte("hello"), api.Invalid},
		{"too much", id, whole, zstdOf(text+"!", treetest.Window), api.Invalid},
		{"a window of 8 MiB", treetest.DigestOf("a window"), whole, zstdOf(text, 8<<20), api.Invalid},
	} {
		if got, _ := patch(t, p, c.id, c.query, c.body); got == nil || got.Code != c.code {
			t.Errorf("%s: problem %+v, want %s", c.name, got, c.code)
		}
	}
	if strings.Contains(p.Log.String(), `"level":"ERROR"`) {
		t.Errorf("a caller's fault was logged as ours:\n%s", p.Log)
	}
	// Less than all is kept, and then the rest.
	id = treetest.DigestOf("of the rest")
	if problem, answer := patch(t, p, id, whole, zstdOf(text[:100], treetest.Window)); problem != nil || answer != "{\"offset\":100}\n" {
		t.Errorf("%+v %s", problem, answer)
	}
	if problem, answer := patch(t, p, id, "?offset=100&size="+size, zstdOf(text[100:], treetest.Window)); problem != nil || !strings.Contains(answer, treetest.DigestOf(text)) {
		t.Errorf("%+v %s", problem, answer)
	}
}

// Nobody else's project can be asked, or filled.
func TestUploadsOfAnotherAccount(t *testing.T) {
	p, _ := servertest.WithShop(t)
	c, secret := p.Account(t, "b@example.com")
	p.Key = secret.Reveal()
	if problem, _ := patch(t, p, treetest.DigestOf("x"), "?offset=0&size=9000000", nil); problem == nil || problem.Code != api.NotFound {
		t.Errorf("%+v", problem)
	}
	d := newOnDisk(t, treetest.Noise(1, 9<<20))
	if err := upload.Send(t.Context(), c, "shop", uploadOf(d.scan(t))); err == nil || !strings.Contains(err.Error(), `"shop"`) {
		t.Errorf("%v", err)
	}
}

// TestNoRoom refuses before anything is sent or stored.
func TestNoRoom(t *testing.T) {
	p, c := servertest.WithShop(t)
	d := newOnDisk(t, treetest.Noise(1, 9<<20))
	refused := func(u *upload.Request, want string) {
		t.Helper()
		err := upload.Send(t.Context(), c, "shop", u)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	u := uploadOf(d.scan(t))
	p.Restart(func(o *server.Options) { o.Quota = 8_000_000 })
	refused(u, `project "shop" takes 0.0 MB of the 8.0 MB that a project may take on this platform; this adds 9.4 MB`)
	p.Restart(func(o *server.Options) { o.Quota, o.Reserve = 0, 1<<60 })
	refused(u, "the platform's disk has room for 0.0 MB; this adds 9.4 MB")
	if u.Sent.Load() > 0 {
		t.Errorf("%d bytes were sent", u.Sent.Load())
	}
	// Neither do small files get in.
	small := &upload.Request{Tree: treetest.New(map[string]string{"a": treetest.Noise(2, 200_000)})}
	refused(small, "this adds 0.2 MB")
	row, err := p.Store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if used, err := p.Blobs.Usage(row.Scope()); err != nil || used != 0 {
		t.Errorf("%d bytes were stored, %v", used, err)
	}
	p.Restart(func(o *server.Options) { o.Reserve = 0 })
	s := d.scan(t)
	if err := upload.Send(t.Context(), c, "shop", uploadOf(s)); err != nil {
		t.Error(err)
	}
	p.WantTree(t, "shop", s.Tree)
}

// TestLargeFileOnWhatIsOfAnother goes on where another state of the file left off, as
// its name, size and times say that it is the same. The platform's digest tells, and
// the file is sent from its beginning, within one push.
func TestLargeFileOnWhatIsOfAnother(t *testing.T) {
	p, c := servertest.WithShop(t)
	d := newOnDisk(t, treetest.Noise(1, 20<<20))
	s := d.scan(t)
	row, err := p.Store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	for n, f := range s.Files {
		if !s.Unread(n) {
			continue
		}
		part, err := p.Blobs.Part(row.Scope(), s.Identity(n), f.Size)
		if err == nil {
			err = errors.Join(part.Append(t.Context(), strings.NewReader(treetest.Noise(2, 18<<20))), part.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := upload.Send(t.Context(), c, "shop", uploadOf(s)); err != nil {
		t.Fatal(err)
	}
	p.WantTree(t, "shop", s.Tree)
}
