package retention

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// marks are the contents that are used, by the first 8 bytes of their digests, so that
// millions take little memory: what happens to be like one that is used stays.
type marks struct {
	all     []uint64
	settled int // the first so many are sorted, each once
}

func (m *marks) add(digest string) {
	if m.all = append(m.all, short(digest)); len(m.all) > 1<<16 && len(m.all) > 2*m.settled {
		m.settle()
	}
}

func (m *marks) settle() {
	slices.Sort(m.all)
	m.all = slices.Compact(m.all)
	m.settled = len(m.all)
}

func (m *marks) has(digest string) bool {
	_, ok := slices.BinarySearch(m.all, short(digest))
	return ok
}

// short is the beginning of a digest; what is none is like all others that are none.
func short(digest string) uint64 {
	var b [8]byte
	_, _ = hex.Decode(b[:], []byte(digest[:min(len(digest), 16)]))
	return binary.BigEndian.Uint64(b[:])
}
