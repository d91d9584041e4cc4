package treeroutes_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
)

// TestResume cuts an upload at any byte. The client goes on with what has not
// arrived, within one push and in the next.
func TestResume(t *testing.T) {
	p, _ := servertest.WithShop(t)
	p.Proxy = servertest.NewCutter(t, p.URL)
	c := p.Client(t, p.Key)
	rng := rand.New(rand.NewPCG(1, 2))
	// A frame, a slab and the large file are lost when it breaks.
	const size, large, lost = 12 << 20, 3 << 19, 4 << 20
	for turn := range 10 {
		files := map[string]string{"one": treetest.Noise(byte(turn), large)}
		content := treetest.Noise(byte(100+turn), size-large)
		for i := range 1000 {
			files[fmt.Sprintf("many/%d", i)] = content[i*len(content)/1000 : (i+1)*len(content)/1000]
		}
		tree := treetest.New(files)
		cut := rng.Int64N(size)
		p.Proxy.Received.Store(0)
		p.Proxy.Left.Store(cut)
		if err := upload.Send(t.Context(), c, "shop", &upload.Request{Tree: tree}); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if p.Proxy.Left.Load() >= 0 {
			t.Fatalf("cut at %d: it was not", cut)
		}
		if got := p.Proxy.Received.Load(); got > size+lost {
			t.Errorf("cut at %d: %d bytes arrived for %d", cut, got, size)
		}
		p.WantTree(t, "shop", tree)
	}
}

// TestResumeByTheNextPush gives up in the middle, as an interrupted push does.
func TestResumeByTheNextPush(t *testing.T) {
	p, c := servertest.WithShop(t)
	files := map[string]string{}
	for i := range 600 {
		files[fmt.Sprintf("many/%03d", i)] = treetest.Noise(1, 9000+i)
	}
	tree := treetest.New(files)
	s := treetest.NewStream(t, tree.Manifest)
	for i := range 400 {
		s.Content(1, files[fmt.Sprintf("many/%03d", i)])
	}
	body := s.Packed() // without an end
	if problem := p.Put(t, tree.Digest(), "", bytes.NewReader(body)); problem == nil || problem.Code != api.Invalid {
		t.Fatalf("problem %+v", problem)
	}
	u := &upload.Request{Tree: tree, Ask: true}
	if err := upload.Send(t.Context(), c, "shop", u); err != nil {
		t.Fatal(err)
	}
	if sent := u.Sent.Load(); sent > 210*10_000 {
		t.Errorf("the rest took %d bytes", sent)
	}
	p.WantTree(t, "shop", tree)
}
