// Package spool keeps records on a disk until they have been handed on: in order,
// within a bound, and over the death of the process that wrote them.
//
// A spool is a directory of segments, files of frames one after the other. Records are
// appended to the last; when all records of the first are done it is removed. What a
// process that died left half written is skipped. A record that was handed on just
// before may be handed on again, so whoever takes it must know it by its content.
package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

const (
	// segmentSize is when a new segment is begun.
	segmentSize = 1 << 20
	// MaxRecord is the largest record.
	MaxRecord = 512 << 10
	suffix    = ".seg"
	// positionFile says what is done, so that it is not handed on again.
	positionFile = "position"
	headSize     = 8
)

var table = crc32.MakeTable(crc32.Castagnoli)

// ErrTooLarge is a record larger than MaxRecord.
var ErrTooLarge = errors.New("the record is too large")

// Spool is used by any number of writers and one reader.
type Spool struct {
	dir   string
	limit int64

	mu       sync.Mutex
	segments []*segment // the oldest first, the last is written to
	out      *os.File   // of the last
	size     int64
	// done is how far the first segment has been handed on.
	done    int64
	changed chan struct{}
	frames  []byte // what is written at once
}

type segment struct {
	number  uint64
	size    int64
	records int
}

// Open opens the spool in a directory, which is made, with a bound in bytes.
func Open(dir string, limit int64) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	s := &Spool{dir: dir, limit: limit, changed: make(chan struct{}, 1)}
	if err := s.recover(); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	return s, nil
}

// Close ends writing. The records stay.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil {
		return nil
	}
	err := s.out.Close()
	s.out = nil
	return err
}

// Append adds records, as many as fit, in one go, and says how many those were.
func (s *Spool) Append(records ...[]byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n < len(records) && err == nil {
		more, failed := s.write(records[n:])
		if n, err = n+more, failed; more == 0 {
			return n, err
		}
	}
	return n, err
}

// write adds records to the last segment, until that is full.
func (s *Spool) write(records [][]byte) (n int, err error) {
	last, err := s.last()
	if err != nil {
		return 0, err
	}
	s.frames = s.frames[:0]
	for _, record := range records {
		if len(record) > MaxRecord {
			err = ErrTooLarge
			break
		}
		if end := int64(len(s.frames) + headSize + len(record)); s.size+end > s.limit || n > 0 && last.size+end > segmentSize {
			break
		}
		s.frames = append(appendFrame(s.frames, record), record...)
		n++
	}
	if n == 0 {
		return 0, err
	}
	written, failed := s.out.Write(s.frames)
	last.size, s.size = last.size+int64(written), s.size+int64(written)
	if failed != nil {
		s.seal() // what is half written is skipped by its reader
		return 0, fmt.Errorf("write spool: %w", failed)
	}
	last.records += n
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return n, err
}

func appendFrame(b, record []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(record)))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(record, table))
}

// last is the segment to write to.
func (s *Spool) last() (*segment, error) {
	if s.out != nil && s.segments[len(s.segments)-1].size < segmentSize {
		return s.segments[len(s.segments)-1], nil
	}
	next := uint64(1)
	if n := len(s.segments); n > 0 {
		next = s.segments[n-1].number + 1
	}
	s.seal()
	out, err := os.OpenFile(s.path(next), os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write spool: %w", err)
	}
	s.out, s.segments = out, append(s.segments, &segment{number: next})
	return s.segments[len(s.segments)-1], nil
}

// seal ends the segment that is written to.
func (s *Spool) seal() {
	if s.out != nil {
		s.out.Close()
		s.out = nil
	}
}

// Changed gets a value when a record has been added.
func (s *Spool) Changed() <-chan struct{} { return s.changed }

// Size is how much is in it, in bytes.
func (s *Spool) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size - s.done
}

// DropOldest removes the oldest segment to make room, and says how many records were
// lost. It never removes the one that is written to.
func (s *Spool) DropOldest() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.segments) < 2 && s.out != nil || len(s.segments) == 0 {
		return 0
	}
	lost := s.segments[0].records
	s.removeFirst()
	return lost
}

func (s *Spool) removeFirst() {
	first := s.segments[0]
	// A file that cannot be removed is found again at the next start, and handed on again.
	_ = os.Remove(s.path(first.number))
	s.size -= first.size
	s.segments, s.done = s.segments[1:], 0
}

func (s *Spool) path(number uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%016x%s", number, suffix))
}

// recover takes over what an earlier process left.
func (s *Spool) recover() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		var number uint64
		name, is := strings.CutSuffix(e.Name(), suffix)
		if _, err := fmt.Sscanf(name, "%016x", &number); !is || err != nil || len(name) != 16 || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		s.segments = append(s.segments, &segment{number: number, size: info.Size()})
		s.size += info.Size()
	}
	slices.SortFunc(s.segments, func(a, b *segment) int {
		return strings.Compare(s.path(a.number), s.path(b.number))
	})
	number, offset := s.loadPosition()
	if len(s.segments) > 0 && s.segments[0].number == number && offset >= 0 && offset <= s.segments[0].size {
		s.done = offset
	}
	for i, seg := range s.segments {
		from := int64(0)
		if i == 0 {
			from = s.done
		}
		records, _, err := s.read(*seg, from, seg.size)
		if err != nil {
			return err
		}
		seg.records = len(records)
	}
	if len(s.segments) > 0 {
		s.changed <- struct{}{}
	}
	return nil
}
