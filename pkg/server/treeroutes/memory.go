package treeroutes

import (
	"sync"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/delta"
	"fngen.dev/fngen/pkg/server/limit"
)

// What uploads under way may hold of memory beyond memoryFree, which each of them is
// given with its place: together, and those of one key. The largest upload that the
// limits allow fits.
const (
	memoryOfAll = 128 << 20
	memoryOfKey = 112 << 20
	memoryFree  = 2 << 20
)

// memory counts what uploads hold, by what they have sent.
type memory struct {
	// applying is held while a manifest is made, whose size is known afterwards.
	applying sync.Mutex

	mu   sync.Mutex
	all  int64
	used map[int64]int64
}

func newMemory() *memory { return &memory{used: map[int64]int64{}} }

// share is what one upload of a key holds.
type share struct {
	of   *memory
	key  int64
	held int64
}

func (m *memory) open(key int64) *share { return &share{of: m, key: key} }

// hold makes the share so many bytes, or refuses: it waits for nobody, since those
// who wait hold memory too.
func (s *share) hold(bytes int64) error {
	m := s.of
	m.mu.Lock()
	defer m.mu.Unlock()
	bytes = max(0, bytes-memoryFree)
	more := bytes - s.held
	if more > 0 && (m.all+more > memoryOfAll || m.used[s.key]+more > memoryOfKey) {
		return limit.TooMany("too many uploads of very many files go on at once")
	}
	m.all += more
	s.held = bytes
	if m.used[s.key] += more; m.used[s.key] == 0 {
		delete(m.used, s.key)
	}
	return nil
}

// apply makes a manifest of its difference from base, and holds both.
func (s *share) apply(base source.Manifest, text []byte) (source.Manifest, error) {
	s.of.applying.Lock()
	defer s.of.applying.Unlock()
	m, err := delta.Apply(base, text)
	if err == nil {
		err = s.hold(bytesOf(base, m))
	}
	return m, err
}

// close gives all back. A share that is closed may be closed again.
func (s *share) close() { _ = s.hold(0) }

// fileBytes is what a file of a manifest takes beside its path.
const fileBytes = 56 + 64

// bytesOf is what manifests take in memory.
func bytesOf(manifests ...source.Manifest) (total int64) {
	for _, m := range manifests {
		for _, f := range m.Files {
			total += fileBytes + int64(len(f.Path))
		}
	}
	return total
}
