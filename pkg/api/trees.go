package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/delta"
)

// LatestTree returns the tree that the project was last given, the best base for
// the next. ErrNoTree says that there is none.
func (c *Client) LatestTree(ctx context.Context, project string) (*Manifest, error) {
	resp, err := c.do(ctx, http.MethodGet, projectPath(project)+"/trees/latest", "", func() io.Reader { return nil }, true)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return nil, ErrNoTree
	}
	z, err := zstd.NewReader(resp.Body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("start decompression: %w", err)
	}
	defer z.Close()
	text, err := io.ReadAll(io.LimitReader(z, delta.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read latest tree: %w", err)
	}
	m, err := delta.Apply(Manifest{}, text)
	if err != nil {
		return nil, fmt.Errorf("read latest tree: %w", err)
	}
	return &m, nil
}

// ErrNoTree is a project that was never given a tree.
var ErrNoTree = errors.New("the project has no tree yet")

// ErrNotSent is a fault of this side in the body of a request, which repeating does not
// mend.
var ErrNotSent = errors.New("not sent")

// PutTree sends the stream of a tree (TreeContentType) whose manifest is a difference
// from that of base, empty for none. It is not repeated as it is: what has arrived need
// not be sent again.
func (c *Client) PutTree(ctx context.Context, project, digest, base string, body func() io.Reader) (Missing, error) {
	path := projectPath(project) + "/trees/" + url.PathEscape(digest)
	if base != "" {
		path += "?base=" + url.QueryEscape(base)
	}
	return sendBody[Missing](ctx, c, http.MethodPut, path, TreeContentType, body)
}

// BeginUploads asks how much of large contents is there.
func (c *Client) BeginUploads(ctx context.Context, project string, in Uploads) (UploadStates, error) {
	return callAgain[UploadStates](ctx, c, http.MethodPost, projectPath(project)+"/uploads", in, true)
}

// PatchUpload sends the bytes of a large content from an offset on.
func (c *Client) PatchUpload(ctx context.Context, project, id string, offset, size int64, body func() io.Reader) (UploadState, error) {
	path := projectPath(project) + "/uploads/" + id + "?" + url.Values{
		"offset": {strconv.FormatInt(offset, 10)}, "size": {strconv.FormatInt(size, 10)},
	}.Encode()
	return sendBody[UploadState](ctx, c, http.MethodPatch, path, ContentType, body)
}

// sendBody sends a stream once.
func sendBody[T any](ctx context.Context, c *Client, method, path, contentType string, body func() io.Reader) (T, error) {
	var out T
	resp, err := c.do(ctx, method, path, contentType, body, false)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&out); err != nil {
		return out, fmt.Errorf("read answer of %s: %w", path, err)
	}
	return out, nil
}
