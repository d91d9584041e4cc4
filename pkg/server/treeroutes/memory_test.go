package treeroutes_test

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treeroutes"
	"fngen.dev/fngen/pkg/server/treetest"
)

// heldLimit is what uploads that are held open may take together of the memory of a
// control plane whose job allows 512 MB.
const heldLimit = 400 << 20

// vast is a manifest that is as large as one may be, and small on the wire: its
// paths and digests are nearly the same.
func vast() source.Manifest {
	var m source.Manifest
	deep := strings.Repeat("directory/", 31)
	for i := range api.MaxFiles {
		m.Files = append(m.Files, source.File{Path: fmt.Sprintf("%s%05d", deep, i), Size: 1 << 20, SHA256: treetest.DigestOf("never sent whole")})
	}
	m.Files = m.Files[:api.MaxTreeBytes>>20]
	for i := len(m.Files); i < api.MaxFiles; i++ {
		m.Files = append(m.Files, source.File{Path: fmt.Sprintf("%s%05d", deep, i), SHA256: treetest.DigestOf("")})
	}
	return m
}

// TestHeldUploads holds as many uploads open as there are places and more, of one key
// and of many, each with the largest manifest: the memory that they take is bounded,
// and a key that sends little is served meanwhile.
func TestHeldUploads(t *testing.T) {
	for name, c := range map[string]struct{ keys, each int }{"one key": {1, 60}, "many keys": {7, 5}} {
		t.Run(name, func(t *testing.T) {
			defer treeroutes.WaitForPlace(time.Second)()
			p := servertest.New(t)
			m := vast()
			body := treetest.NewStream(t, m).Content(1, "the beginning of a content").Packed()
			digest := m.Digest()
			before := heap()
			var held []net.Conn
			for k := range c.keys {
				person, secret := p.Account(t, fmt.Sprintf("%d@example.com", k))
				for i := range c.each {
					project := fmt.Sprintf("p%d-%d", k, i)
					if _, err := person.CreateProject(t.Context(), project); err != nil {
						t.Fatal(err)
					}
					held = append(held, hold(t, p, "/v1/projects/"+project+"/trees/"+digest, secret.Reveal(), body))
				}
			}
			var most uint64
			for begin := time.Now(); time.Since(begin) < 3*time.Second; time.Sleep(200 * time.Millisecond) {
				most = max(most, heap())
			}
			for _, c := range held {
				c.Close()
			}
			if t.Logf("held uploads took %d MB", (most-before)>>20); most > before+heldLimit {
				t.Errorf("that is more than %d MB", heldLimit>>20)
			}
			other, _ := p.Account(t, "other@example.com")
			if _, err := other.CreateProject(t.Context(), "other"); err != nil {
				t.Fatal(err)
			}
			servertest.Upload(t, other, "other", treetest.New(map[string]string{"a": "1"}))
		})
	}
}

// hold sends a body without its end. The connection stays until the test ends.
func hold(t *testing.T, p *servertest.Platform, path, key string, body []byte) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", path, key, len(body), body)
	return c
}

// heap is what is in use, garbage not counted. What is allocated while a collection
// goes on counts as used until the next, so it is the least of several.
func heap() uint64 {
	least := ^uint64(0)
	for range 5 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		least = min(least, m.HeapInuse+m.StackInuse)
	}
	return least
}
