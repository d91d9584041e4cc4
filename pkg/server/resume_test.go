package server

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"fngen.dev/fngen/pkg/api"
)

// cutter is a network between client and server that breaks.
type cutter struct {
	address string
	// left is how many bytes may still go to the server before the connection is
	// cut; negative for no end. It is used up once.
	left     atomic.Int64
	received atomic.Int64
	// cut, when it is set, is called before a connection is cut.
	cut func()
}

func newCutter(t *testing.T, target string) *cutter {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	c := &cutter{address: "http://" + ln.Addr().String()}
	c.left.Store(-1)
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := new(net.Dialer).DialContext(t.Context(), "tcp", u.Host)
			if err != nil {
				in.Close()
				continue
			}
			go c.carry(in, out)
		}
	}()
	return c
}

func (c *cutter) carry(in, out net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { io.Copy(in, out); in.Close() })
	both.Go(func() { io.Copy(out, &cutReader{in, c}); out.Close(); in.Close() })
	both.Wait()
}

type cutReader struct {
	net.Conn
	c *cutter
}

func (r *cutReader) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.c.received.Add(int64(n))
	left := r.c.left.Load()
	if left < 0 {
		return n, err
	}
	if int64(n) > left {
		r.c.left.Store(-1)
		if r.c.cut != nil {
			r.c.cut()
		}
		return int(left), io.ErrUnexpectedEOF
	}
	r.c.left.Add(-int64(n))
	return n, err
}

// TestResume cuts an upload at any byte. The client goes on with what has not
// arrived, within one push and in the next.
func TestResume(t *testing.T) {
	p, _ := projectOf(t)
	p.proxy = newCutter(t, p.url)
	c := p.client(t, p.key)
	rng := rand.New(rand.NewPCG(1, 2))
	// A frame, a slab and the large file are lost when it breaks.
	const size, large, lost = 12 << 20, 3 << 19, 4 << 20
	for turn := range 10 {
		files := map[string]string{"one": noise(byte(turn), large)}
		content := noise(byte(100+turn), size-large)
		for i := range 1000 {
			files[fmt.Sprintf("many/%d", i)] = content[i*len(content)/1000 : (i+1)*len(content)/1000]
		}
		tree := newTree(files)
		cut := rng.Int64N(size)
		p.proxy.received.Store(0)
		p.proxy.left.Store(cut)
		if err := c.Upload(t.Context(), "shop", &api.Upload{Tree: tree}); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if p.proxy.left.Load() >= 0 {
			t.Fatalf("cut at %d: it was not", cut)
		}
		if got := p.proxy.received.Load(); got > size+lost {
			t.Errorf("cut at %d: %d bytes arrived for %d", cut, got, size)
		}
		p.wantTree(t, "shop", tree)
	}
}

// TestResumeByTheNextPush gives up in the middle, as an interrupted push does.
func TestResumeByTheNextPush(t *testing.T) {
	p, c := projectOf(t)
	files := map[string]string{}
	for i := range 600 {
		files[fmt.Sprintf("many/%03d", i)] = noise(1, 9000+i)
	}
	tree := newTree(files)
	s := newStream(t, tree.Manifest)
	for i := range 400 {
		s.content(1, files[fmt.Sprintf("many/%03d", i)])
	}
	body := s.packed() // without an end
	if problem := put(t, p, tree.Digest(), "", bytes.NewReader(body)); problem == nil || problem.Code != api.Invalid {
		t.Fatalf("problem %+v", problem)
	}
	u := &api.Upload{Tree: tree, Ask: true}
	if err := c.Upload(t.Context(), "shop", u); err != nil {
		t.Fatal(err)
	}
	if sent := u.Sent.Load(); sent > 210*10_000 {
		t.Errorf("the rest took %d bytes", sent)
	}
	p.wantTree(t, "shop", tree)
}
