package upload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api/frames"
)

// piece is a content that is read from its beginning to its end.
type piece struct {
	content content
	reading *source.Reading // of a file without a digest
	file    fs.File         // of any other
	sum     hash.Hash       // nil when not all of it was read
	left    int64
}

func (u *Request) open(c content) (*piece, error) {
	p, err := &piece{content: c, left: c.file.Size}, error(nil)
	if u.unread(c.n) {
		p.reading, err = u.Unread.Read(c.n)
	} else {
		p.file, err = u.Tree.FS.Open(c.file.Path)
		p.sum = sha256.New()
	}
	if err != nil {
		return p, notReadable(c.file, err)
	}
	return p, nil
}

// skip goes to an offset. What has its digest already need not be read for that.
func (p *piece) skip(ctx context.Context, offset int64) error {
	if offset == 0 {
		return nil
	}
	if s, ok := p.file.(io.Seeker); ok {
		_, err := s.Seek(offset, io.SeekStart)
		p.sum, p.left = nil, p.left-offset
		return err
	}
	for end := p.left - offset; p.left > end; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, p, min(frames.Bytes, p.left-end)); err != nil {
			return notReadable(p.content.file, err)
		}
	}
	return nil
}

// readToEnd reads what is left.
func (p *piece) readToEnd(ctx context.Context) error {
	buf := make([]byte, frames.Bytes)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := p.Read(buf); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return notReadable(p.content.file, err)
		}
	}
}

// Read gives exactly the bytes that the content has.
func (p *piece) Read(b []byte) (int, error) {
	if p.reading != nil {
		n, err := p.reading.Read(b)
		p.left -= int64(n)
		return n, err
	}
	if p.left == 0 {
		return 0, io.EOF
	}
	n, err := p.file.Read(b[:min(int64(len(b)), p.left)])
	if p.left -= int64(n); p.sum != nil {
		p.sum.Write(b[:n])
	}
	if errors.Is(err, io.EOF) {
		if err = nil; p.left > 0 && n == 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// digest is that of what was read; where not all was, it is the platform that
// compares.
func (p *piece) digest() (string, error) {
	if p.reading != nil {
		return p.reading.Settle()
	}
	if p.sum == nil {
		return p.content.file.SHA256, nil
	}
	if got := hex.EncodeToString(p.sum.Sum(nil)); got != p.content.file.SHA256 {
		return "", changed(p.content.file, nil)
	}
	return p.content.file.SHA256, nil
}

func (p *piece) close() {
	if p.reading != nil {
		p.reading.Close()
	}
	if p.file != nil {
		_ = p.file.Close()
	}
}

// notReadable is the fault of a file that cannot be read as it was found.
func notReadable(f source.File, err error) error {
	if errors.Is(err, source.ErrChanged) {
		err = nil
	}
	return changed(f, err)
}
