package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"fngen.dev/fngen/compiler/source"
)

const (
	// pieceTries is how often a content is sent on without any of it arriving.
	pieceTries = 7
	// busyWait is how long it is waited for a place among uploads under way.
	busyWait = 3 * time.Second
	// stallTime is how long no byte may move before a connection is given up.
	stallTime = time.Minute
)

// Unread is files of a tree that have no digest yet: it is made while they are
// sent. *source.Scanned is one.
type Unread interface {
	Unread(n int) bool
	Identity(n int) string
	Read(n int) (*source.Reading, error)
}

// content is one large content on its way.
type content struct {
	n    int
	id   string
	file source.File
}

func (u *Upload) unread(n int) bool { return u.Unread != nil && u.Unread.Unread(n) }

func (u *Upload) content(n int) content {
	c := content{n: n, file: u.Tree.Files[n]}
	if c.id = c.file.SHA256; u.unread(n) {
		c.id = u.Unread.Identity(n)
	}
	return c
}

// settle reads those unread files that may be the ones of the base, which are not
// sent then.
func (u *Upload) settle(ctx context.Context) error {
	if u.Base == nil || u.Unread == nil {
		return nil
	}
	sizes, has := map[int64]bool{}, map[string]bool{}
	for _, f := range u.Base.Files {
		sizes[f.Size], has[f.SHA256] = true, true
	}
	for n, f := range u.Tree.Files {
		if !u.unread(n) || !sizes[f.Size] {
			continue
		}
		p, err := u.open(u.content(n))
		if err == nil {
			err = p.drain(ctx)
		}
		digest := ""
		if err == nil {
			digest, err = p.digest()
		}
		p.close()
		if err != nil {
			return err
		}
		if has[digest] {
			u.Done.Add(f.Size)
		}
		if u.Settled != nil {
			u.Settled()
		}
	}
	return nil
}

// sendLarge sends contents by themselves, each from where the platform has it to.
// more is what will follow with the tree.
func (c *Client) sendLarge(ctx context.Context, project string, u *Upload, which []int, more int64) error {
	if len(which) == 0 {
		return nil
	}
	contents := make([]content, len(which))
	for i, n := range which {
		contents[i] = u.content(n)
	}
	states, err := c.beginUploads(ctx, project, more, contents...)
	if err != nil {
		return err
	}
	for i, content := range contents {
		if err := c.sendContent(ctx, project, u, content, states[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) beginUploads(ctx context.Context, project string, more int64, contents ...content) ([]UploadState, error) {
	in := Uploads{More: more}
	for _, c := range contents {
		in.Contents = append(in.Contents, UploadOf{ID: c.id, Size: c.file.Size, SHA256: c.file.SHA256})
	}
	out, err := callAgain[UploadStates](ctx, c, http.MethodPost, projectPath(project)+"/uploads", in, true)
	if err == nil && len(out.Contents) != len(contents) {
		err = fmt.Errorf("the platform answered about %d contents, not %d", len(out.Contents), len(contents))
	}
	return out.Contents, err
}

// sendContent goes on as long as anything arrives.
func (c *Client) sendContent(ctx context.Context, project string, u *Upload, content content, state UploadState) error {
	done := u.Done.Load()
	for try, again := 0, false; ; {
		from := state.Offset
		u.Done.Store(done + from)
		if state.SHA256 != "" && state.SHA256 == content.file.SHA256 {
			return nil
		}
		next, ours, err := c.sendPiece(ctx, project, u, content, from)
		switch {
		case err == nil && next.SHA256 == ours && ours != "":
			return nil
		case err == nil && next.SHA256 != "":
			// What had arrived before was of another state of the file. It is gone.
			if again {
				return changed(content.file, nil)
			}
			again, next = true, UploadState{}
		case codeIn(err) == Busy:
			if sleep(ctx, busyWait) != nil {
				return err
			}
		case ctx.Err() != nil, codeIn(err) != OffsetMismatch && refusedUpload(err):
			return err
		default:
			if sleep(ctx, firstWait<<try) != nil {
				return err
			}
		}
		if err != nil {
			content.file = u.Tree.Files[content.n] // it may have its digest by now
			states, asked := c.beginUploads(ctx, project, 0, content)
			switch {
			case asked == nil:
				next = states[0]
			case ctx.Err() != nil || refusedUpload(asked):
				return asked
			default:
				next = state // for all that is known
			}
		}
		if try++; next.Offset > from {
			try = 0
		}
		if try == pieceTries {
			return fmt.Errorf("upload %s: it does not arrive: %w", content.file.Path, err)
		}
		state = next
	}
}

// sendPiece sends a content from an offset to its end, and returns what the
// platform has of it then, and the digest of what was read, if all was read.
func (c *Client) sendPiece(ctx context.Context, project string, u *Upload, content content, offset int64) (state UploadState, digest string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(stallTime, func() { cancel(errStalled) })
	defer stall.Stop()
	var body *pieceBody
	var opened error
	begin := func() io.Reader {
		body.stop()
		if body, opened = newPieceBody(ctx, u, content, offset); opened != nil {
			return failing{opened}
		}
		return &lively{body, stall}
	}
	defer func() { body.stop() }()
	path := projectPath(project) + "/uploads/" + content.id + "?" + url.Values{
		"offset": {strconv.FormatInt(offset, 10)}, "size": {strconv.FormatInt(content.file.Size, 10)},
	}.Encode()
	resp, err := c.do(ctx, http.MethodPatch, path, ContentType, begin, false)
	if err == nil {
		defer resp.Body.Close()
	}
	if read := errors.Join(opened, body.stop()); read != nil {
		err = read // why the request ended
	}
	if err != nil {
		if errors.Is(context.Cause(ctx), errStalled) {
			err = errStalled
		}
		if body != nil && body.whole {
			// It may have arrived, and the answer not.
			_, _ = body.piece.digest()
		}
		return state, "", err
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&state); err != nil {
		return state, "", fmt.Errorf("read answer of %s: %w", path, err)
	}
	if state.SHA256 == "" {
		return state, "", nil
	}
	digest, err = body.piece.digest()
	if err == nil && u.Settled != nil {
		u.Settled()
	}
	return state, digest, err
}

var errStalled = fmt.Errorf("no byte moved for %s", stallTime)

// lively reports that bytes move.
type lively struct {
	io.Reader
	stall *time.Timer
}

func (l *lively) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	l.stall.Reset(stallTime)
	return n, err
}

// failing is a body that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// piece is a content that is read from its beginning to its end.
type piece struct {
	content content
	reading *source.Reading // of a file without a digest
	file    fs.File         // of any other
	sum     hash.Hash       // nil when not all of it was read
	left    int64
}

func (u *Upload) open(c content) (*piece, error) {
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
		if _, err := io.CopyN(io.Discard, p, min(frameBytes, p.left-end)); err != nil {
			return notReadable(p.content.file, err)
		}
	}
	return nil
}

// drain reads to the end.
func (p *piece) drain(ctx context.Context) error {
	buf := make([]byte, frameBytes)
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
