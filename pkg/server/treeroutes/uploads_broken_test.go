package treeroutes_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
)

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
