package api

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/delta"
)

// TreeContentType is the body of PUT /v1/projects/{project}/trees/{digest}: a
// zstd stream, of any number of frames, that holds
//
//	the length of the delta, a varint, and the delta (package delta), from the
//	    manifest of the query's base, else from the empty one
//	for each content that comes along: a varint, how many files of the manifest
//	    it lies after the one before it (1 for the next, at first for file 0),
//	    and as many bytes as the manifest says, LargeBytes at most
//	0
//
// The end is written out, so that a broken connection cannot look like it.
const TreeContentType = "application/vnd.fngen.tree+zstd"

// ManifestContentType is the answer of GET /v1/projects/{project}/trees/latest: a
// zstd stream of the delta from the empty manifest.
const ManifestContentType = "application/vnd.fngen.manifest+zstd"

var (
	// ErrTreeStream is a stream that does not have the form above.
	ErrTreeStream = errors.New("malformed tree stream")
	// ErrTooLarge is a tree, or a stream, over the limits.
	ErrTooLarge = errors.New("too large")
)

// TreeHead is the beginning of a stream.
func TreeHead(base, tree Manifest) ([]byte, error) {
	text, err := delta.Encode(base, tree)
	if err != nil {
		return nil, err
	}
	return append(binary.AppendUvarint(nil, uint64(len(text))), text...), nil
}

// TreeReader reads a tree stream, after decompression. It checks the form; what
// the manifest says and the contents are for the caller to check.
type TreeReader struct {
	r     *bufio.Reader
	files []source.File
	at    int // the file whose content came last
	rest  io.LimitedReader
	ended bool
}

// NewTreeReader reads from r.
func NewTreeReader(r io.Reader) *TreeReader {
	return &TreeReader{r: bufio.NewReaderSize(r, 64<<10), at: -1}
}

// firstRoom is what the beginning of a delta is read into.
const firstRoom = 64 << 10

// Delta reads the beginning. Before it takes more memory it asks hold for so many
// bytes, of all that it takes then.
func (t *TreeReader) Delta(hold func(bytes int64) error) ([]byte, error) {
	length, err := t.number()
	if err != nil {
		return nil, err
	}
	if length > delta.MaxBytes {
		return nil, fmt.Errorf("the manifest has %d bytes, more than %d: %w", length, delta.MaxBytes, ErrTooLarge)
	}
	// As much room as there are bytes, not as somebody says.
	var out []byte
	for room := min(firstRoom, int(length)); ; room = min(2*room, int(length)) {
		if err := hold(int64(cap(out) + room)); err != nil {
			return nil, err
		}
		had := len(out)
		out = append(make([]byte, 0, room), out...)[:room]
		if _, err := io.ReadFull(t.r, out[had:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if room == int(length) {
			return out, nil
		}
	}
}

// Contents begins the rest: the contents of files of m.
func (t *TreeReader) Contents(m Manifest) { t.files = m.Files }

// Next skips what is left of the current content and returns the next one, which
// is valid until Next is called again, with its file. The end is io.EOF.
func (t *TreeReader) Next() (source.File, io.Reader, error) {
	if t.ended {
		return source.File{}, nil, io.EOF
	}
	if err := t.skip(); err != nil {
		return source.File{}, nil, err
	}
	step, err := t.number()
	if err != nil {
		return source.File{}, nil, err
	}
	if step == 0 {
		return source.File{}, nil, t.end()
	}
	if step > uint64(len(t.files)-1-t.at) {
		return source.File{}, nil, fmt.Errorf("content of file %d+%d of %d: %w", t.at, step, len(t.files), ErrTreeStream)
	}
	t.at += int(step)
	f := t.files[t.at]
	if f.Size > LargeBytes {
		return source.File{}, nil, fmt.Errorf("a content of %d bytes is sent by itself: %w", f.Size, ErrTreeStream)
	}
	t.rest = io.LimitedReader{R: t.r, N: f.Size}
	return f, &t.rest, nil
}

// end wants nothing after the end.
func (t *TreeReader) end() error {
	switch _, err := t.r.ReadByte(); {
	case err == nil:
		return fmt.Errorf("there is more after the end: %w", ErrTreeStream)
	case !errors.Is(err, io.EOF):
		return err
	}
	t.ended = true
	return io.EOF
}

func (t *TreeReader) skip() error {
	if t.rest.N == 0 {
		return nil
	}
	if _, err := io.Copy(io.Discard, &t.rest); err != nil {
		return err
	}
	if t.rest.N > 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func (t *TreeReader) number() (uint64, error) {
	n, err := binary.ReadUvarint(t.r)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
