package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
)

// partBytes is how much one request of an upload holds, before compression,
// unless one blob is larger. A request that breaks off is repeated whole.
const partBytes = 32 << 20

// errNotSent is a fault of this side, which repeating does not mend.
var errNotSent = errors.New("not sent")

// CreateProject is the body of POST /v1/projects.
type CreateProject struct {
	Name string `json:"name"`
}

// UploadBlobs sends the contents of those files of tree whose digests are in
// missing, and returns how many bytes went over the wire. A file that changed
// since the tree was scanned is an error that names it. What has arrived stays:
// an upload that broke off goes on when Missing is asked again.
func (c *Client) UploadBlobs(ctx context.Context, project, digest string, tree source.Tree, missing []string) (int64, error) {
	path := projectPath(project) + "/trees/" + url.PathEscape(digest) + "/blobs"
	var sent atomic.Int64
	for _, part := range parts(tree.Files, missing) {
		if err := c.uploadPart(ctx, path, tree, part, &sent); err != nil {
			return sent.Load(), err
		}
	}
	return sent.Load(), nil
}

// parts splits the missing files into requests.
func parts(files []source.File, missing []string) [][]source.File {
	want := make(map[string]bool, len(missing))
	for _, digest := range missing {
		want[digest] = true
	}
	var out [][]source.File
	var size int64
	for _, f := range files {
		if !want[f.SHA256] {
			continue
		}
		// Two files may have one content.
		delete(want, f.SHA256)
		if len(out) == 0 || size+f.Size > partBytes {
			out, size = append(out, nil), 0
		}
		size += f.Size
		out[len(out)-1] = append(out[len(out)-1], f)
	}
	return out
}

func (c *Client) uploadPart(ctx context.Context, path string, tree source.Tree, part []source.File, sent *atomic.Int64) error {
	body := func() io.Reader {
		r, w := io.Pipe()
		go func() {
			// The transport closes r when the request ends, so this ends too.
			w.CloseWithError(pack(countWriter{w, sent}, tree, part))
		}()
		return r
	}
	resp, err := c.do(ctx, http.MethodPut, path, BlobsContentType, body, true)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// pack writes the files of a part as a compressed blob stream.
func pack(w io.Writer, tree source.Tree, part []source.File) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("start compression: %w", err)
	}
	blobs := NewBlobWriter(z)
	for _, f := range part {
		if err := packFile(blobs, tree, f); err != nil {
			return err
		}
	}
	return z.Close()
}

// packFile hashes the very bytes that it sends.
func packFile(blobs *BlobWriter, tree source.Tree, f source.File) error {
	file, err := tree.FS.Open(f.Path)
	if err != nil {
		return fmt.Errorf("upload %s: %w: %w", f.Path, errNotSent, err)
	}
	defer file.Close()
	h := sha256.New()
	err = blobs.Write(f.SHA256, f.Size, io.TeeReader(file, h))
	if errors.Is(err, io.EOF) || err == nil && hex.EncodeToString(h.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%w: %s changed while it was uploaded; push again", errNotSent, f.Path)
	}
	return err
}

type countWriter struct {
	w io.Writer
	n *atomic.Int64
}

func (c countWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n.Add(int64(n))
	return n, err
}
