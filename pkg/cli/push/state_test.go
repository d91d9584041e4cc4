package push

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
)

func scannedWith(root, entry string, n int) *source.Scanned {
	s := &source.Scanned{Root: root, Entry: entry}
	for i := range n {
		sum := sha256.Sum256(fmt.Append(nil, root, i))
		s.Files = append(s.Files, source.File{Path: fmt.Sprintf("%05d.py", i), Size: int64(i), SHA256: hex.EncodeToString(sum[:])})
	}
	return s
}

func TestPushState(t *testing.T) {
	cache := t.TempDir()
	s := scannedWith("/code", "", 100)
	first := loadPushState(cache, "https://a", "shop", s)
	if first.Tree != "" || first.broken() {
		t.Errorf("a first push knows %+v", first)
	}
	first.begin()
	if !loadPushState(cache, "https://a", "shop", s).broken() {
		t.Error("an upload that did not end is not known")
	}
	first.Platform = &api.Platform{Regions: []string{"eu"}}
	first.acknowledged(s.Manifest, s.Digest())
	again := loadPushState(cache, "https://a", "shop", s)
	m, ok := again.manifest()
	if again.Tree != s.Digest() || again.broken() || again.Platform.Regions[0] != "eu" || !ok || m.Digest() != s.Digest() {
		t.Errorf("the next push knows %+v, %v", again, m)
	}
	for what, other := range map[string]*pushState{
		"platform":  loadPushState(cache, "https://b", "shop", s),
		"project":   loadPushState(cache, "https://a", "bank", s),
		"directory": loadPushState(cache, "https://a", "shop", scannedWith("/other", "", 1)),
		"entry":     loadPushState(cache, "https://a", "shop", scannedWith("/code", "a.py", 1)),
	} {
		if other.Tree != "" {
			t.Errorf("another %s has the state", what)
		}
	}
	info, err := os.Stat(again.path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// A file that is damaged is as good as none.
func TestDamagedPushState(t *testing.T) {
	cache := t.TempDir()
	s := scannedWith("/code", "", 50)
	state := loadPushState(cache, "https://a", "shop", s)
	state.acknowledged(s.Manifest, s.Digest())
	good, err := os.ReadFile(state.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := []byte(string(good))
		bad[i] ^= 0x20
		if err := os.WriteFile(state.path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		got := loadPushState(cache, "https://a", "shop", s)
		if m, ok := got.manifest(); ok && m.Digest() != s.Digest() || got.Tree != "" && got.Tree != s.Digest() {
			t.Fatalf("byte %d: state %+v, %v", i, got, m)
		}
	}
	for n := range len(good) {
		if err := os.WriteFile(state.path, good[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if m, ok := loadPushState(cache, "https://a", "shop", s).manifest(); ok {
			t.Fatalf("%d bytes are a manifest: %v", n, m)
		}
	}
}

// Pushes of one directory at once leave the state of one of them.
func TestPushStateAtOnce(t *testing.T) {
	cache := t.TempDir()
	var pushes sync.WaitGroup
	for n := range 8 {
		pushes.Go(func() {
			s := scannedWith("/code", "", 100*(n+1))
			for range 20 {
				state := loadPushState(cache, "https://a", "shop", s)
				if m, ok := state.manifest(); state.Tree != "" && (!ok || len(m.Files)%100 != 0) {
					t.Errorf("state %+v", state)
				}
				state.begin()
				state.acknowledged(s.Manifest, s.Digest())
			}
		})
	}
	pushes.Wait()
	files, err := filepath.Glob(filepath.Join(cache, "fngen", "push", "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("files %q, %v", files, err)
	}
}

// Without a place for it, or one that cannot be written, pushes go on.
func TestNoPlaceForPushState(t *testing.T) {
	s := scannedWith("/code", "", 1)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cache := range []string{"", file, strings.Repeat("x", 5000)} {
		state := loadPushState(cache, "https://a", "shop", s)
		state.begin()
		state.acknowledged(s.Manifest, s.Digest())
		if _, ok := state.manifest(); ok || state.broken() {
			t.Errorf("%.10q keeps a state", cache)
		}
	}
}
