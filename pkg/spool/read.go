package spool

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
)

// Next are the oldest records that are not done, of about size bytes, and at least one
// where there is any. They stay until Done is called with the mark.
func (s *Spool) Next(size int64) ([][]byte, Mark, error) {
	for {
		seg, from, ok := s.first()
		if !ok {
			return nil, Mark{}, nil
		}
		records, end, err := s.read(seg, from, size)
		if errors.Is(err, os.ErrNotExist) && s.isGone(seg) {
			continue // dropped meanwhile
		}
		if err != nil {
			return nil, Mark{}, err
		}
		if len(records) > 0 {
			return records, Mark{seg.number, end, len(records)}, nil
		}
		if !s.skip(seg, from) {
			return nil, Mark{}, nil
		}
	}
}

func (s *Spool) first() (segment, int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.segments) == 0 {
		return segment{}, 0, false
	}
	return *s.segments[0], s.done, true
}

func (s *Spool) isGone(seg segment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.segments) == 0 || s.segments[0].number != seg.number
}

// skip removes the first segment, of which nothing can be read any more, unless it is
// written to, and says whether there may be more.
func (s *Spool) skip(seg segment, from int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.segments) == 0 || s.segments[0].number != seg.number || s.done != from || s.segments[0].size > seg.size {
		return true // it has changed meanwhile
	}
	if len(s.segments) == 1 && s.out != nil {
		return false
	}
	s.removeFirst()
	return true
}

// read reads records of a segment until they are of size bytes, or one is no record.
func (s *Spool) read(seg segment, from, size int64) (records [][]byte, end int64, err error) {
	f, err := os.Open(s.path(seg.number))
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	// No further than it was known to be written: what follows may be half there.
	r := bufio.NewReaderSize(io.NewSectionReader(f, from, seg.size-from), 64<<10)
	end = from
	for end-from < size {
		record, err := frame(r)
		if err != nil {
			break // the end, or what a process that died left
		}
		records, end = append(records, record), end+int64(headSize+len(record))
	}
	return records, end, nil
}

// errFrame is no frame, or a broken one.
var errFrame = errors.New("not a frame")

func frame(r io.Reader) ([]byte, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n > MaxRecord {
		return nil, errFrame
	}
	record := make([]byte, n)
	if _, err := io.ReadFull(r, record); err != nil {
		return nil, err
	}
	if crc32.Checksum(record, table) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, errFrame
	}
	return record, nil
}
