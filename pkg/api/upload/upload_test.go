package upload

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/frames"
)

// TestGivesUp cuts every connection: an upload is tried a few times, and says where the
// platform is.
func TestGivesUp(t *testing.T) {
	var tries atomic.Int32
	ts := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		tries.Add(1)
		panic(http.ErrAbortHandler)
	}))
	defer ts.Close()
	c, err := api.NewClient(ts.URL, "key", "", "test")
	if err != nil {
		t.Fatal(err)
	}
	tree := source.Tree{FS: fstest.MapFS{"a": {Data: []byte("x")}}}
	tree.Files = []source.File{{Path: "a", Size: 1, SHA256: "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}}
	err = Send(t.Context(), c, "p", &Request{Tree: tree})
	if err == nil || !strings.Contains(err.Error(), ts.URL) || strings.Contains(err.Error(), `"key"`) {
		t.Errorf("error %v", err)
	}
	if got := tries.Load(); got != uploads {
		t.Errorf("%d tries, want %d", got, uploads)
	}
}

// TestGroups holds that files are packed in their order, in runs of about a
// frame.
func TestGroups(t *testing.T) {
	var m api.Manifest
	for _, size := range []int64{1, frames.Bytes, 5, 9, 2 * frames.Bytes, 1} {
		m.Files = append(m.Files, source.File{Size: size})
	}
	p := packer{tree: source.Tree{Manifest: m}, send: []int{0, 1, 2, 4, 5}}
	var got [][]int
	for _, g := range p.groups() {
		got = append(got, append([]int{g.before}, g.send...))
	}
	if want := [][]int{{-1, 0}, {0, 1}, {1, 2}, {2, 4}, {4, 5}}; !reflect.DeepEqual(got, want) {
		t.Errorf("groups %v, want %v", got, want)
	}
}
