package cache

import (
	"cmp"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/archive"
)

const (
	// sharedBytes is from what size on trees of the cache share a file that they all
	// have: it is neither sent again nor on the disk twice.
	sharedBytes = 8 << 20
	// maxShared are named to the control plane, the largest first.
	maxShared = 100
)

// shared are large files of trees in the cache, by digest, as long as it is open.
type shared struct {
	paths map[string]string
	sizes map[string]int64
	locks []*os.File
}

// share finds the files that a new tree may link to: those of which it is known
// that they are what they were. Executable ones are none, since a mode is shared
// too.
func (c *Cache) share() *shared {
	s := &shared{paths: map[string]string{}, sizes: map[string]int64{}}
	proofs, _ := filepath.Glob(c.proof("*")) // the pattern is right
	slices.Sort(proofs)
	for _, path := range proofs {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "."), ".proof")
		// Held, so that nobody removes it meanwhile.
		lock, err := c.tryLock(trees, name, unix.LOCK_SH)
		if err != nil {
			continue
		}
		s.locks = append(s.locks, lock)
		for file, kept := range readProof(path).Files {
			s.add(filepath.Join(c.Path(trees, name), file), kept)
		}
	}
	return s
}

func (s *shared) add(path string, kept proven) {
	info, err := os.Lstat(path)
	if err != nil || kept.Size < sharedBytes || info.Mode() != archive.FileMode(false) {
		return
	}
	now, ok := stateOf(info)
	if now.SHA256 = kept.SHA256; !ok || now != kept {
		return
	}
	s.paths[kept.SHA256], s.sizes[kept.SHA256] = path, kept.Size
}

// query tells the control plane what need not be sent.
func (s *shared) query() string {
	var digests []string
	for digest := range s.paths {
		digests = append(digests, digest)
	}
	slices.SortFunc(digests, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.sizes[b], s.sizes[a]), strings.Compare(a, b))
	})
	if len(digests) == 0 {
		return ""
	}
	return "?" + url.Values{"have": {strings.Join(digests[:min(maxShared, len(digests))], ",")}}.Encode()
}

func (s *shared) close() {
	for _, lock := range s.locks {
		lock.Close()
	}
}
