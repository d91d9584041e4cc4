package treeroutes_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
)

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
