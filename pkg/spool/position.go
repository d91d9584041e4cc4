package spool

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
)

// Mark is how far a batch reaches.
type Mark struct {
	segment uint64
	offset  int64
	records int
}

// Done says that all up to mark has been handed on.
func (s *Spool) Done(m Mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.segments) == 0 || s.segments[0].number != m.segment {
		return // it has been dropped meanwhile
	}
	s.done = m.offset
	s.segments[0].records -= m.records
	isLast := len(s.segments) == 1 && s.out != nil
	if s.done >= s.segments[0].size && isLast && s.done > 0 {
		s.seal() // the next record begins a new one
		isLast = false
	}
	if s.done >= s.segments[0].size && !isLast {
		s.removeFirst()
		return
	}
	s.savePosition(m)
}

func (s *Spool) savePosition(m Mark) {
	var b [20]byte
	binary.LittleEndian.PutUint64(b[:], m.segment)
	binary.LittleEndian.PutUint64(b[8:], uint64(m.offset))
	binary.LittleEndian.PutUint32(b[16:], crc32.Checksum(b[:16], table))
	// In place and in one go: a position that is torn is none, and then records are
	// handed on again.
	f, err := os.OpenFile(filepath.Join(s.dir, positionFile), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteAt(b[:], 0)
	f.Close()
}

func (s *Spool) loadPosition() (segment uint64, offset int64) {
	b, err := os.ReadFile(filepath.Join(s.dir, positionFile))
	if err != nil || len(b) != 20 || crc32.Checksum(b[:16], table) != binary.LittleEndian.Uint32(b[16:]) {
		return 0, 0
	}
	return binary.LittleEndian.Uint64(b), int64(binary.LittleEndian.Uint64(b[8:]))
}
