package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/store"
)

// Bounds of an upload while it streams. The ratio is generous, since a file of
// zeros is an honest file; the absolute bounds are in pkg/api.
const (
	maxWindow  = 8 << 20
	freeBytes  = 128 << 20
	maxRatio   = 1000
	silence    = time.Minute
	readBuffer = 64 << 10
)

// offerTree answers with what a tree lacks, and keeps the tree when that is
// nothing.
func (s *Server) offerTree(w http.ResponseWriter, r *http.Request) {
	actor, p, err := s.target(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	m, err := read[source.Manifest](w, r, api.MaxManifestBytes)
	if err == nil {
		err = checkManifest(m)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	missing, err := s.missing(r.Context(), actor, p, m)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, api.Missing{SHA256: missing})
}

func (s *Server) missing(ctx context.Context, actor store.Actor, p store.Project, m source.Manifest) ([]string, error) {
	// A tree that was kept is complete: its blobs go only with its project.
	if ok, err := s.Store.HasTree(ctx, p.ID, m.Digest()); err != nil || ok {
		return []string{}, err
	}
	digests := make([]string, len(m.Files))
	for i, f := range m.Files {
		digests[i] = f.SHA256
	}
	missing, err := s.Blobs.Missing(p.Scope(), digests)
	if err != nil || len(missing) > 0 {
		return missing, err
	}
	if err := s.checkSizes(p, m); err != nil {
		return nil, err
	}
	return missing, s.Store.SaveTree(ctx, actor, p.ID, m)
}

// checkSizes compares the sizes that the manifest claims with the blobs: the
// limits were checked against the claims.
func (s *Server) checkSizes(p store.Project, m source.Manifest) error {
	for _, f := range m.Files {
		size, err := s.Blobs.Size(p.Scope(), f.SHA256)
		if err != nil {
			return err
		}
		if size != f.Size {
			return api.NewProblem(api.Invalid, "the manifest is not valid: %q has %d bytes, not %d", f.Path, size, f.Size)
		}
	}
	return nil
}

// putBlobs keeps the blobs of a stream as they arrive. When it breaks off, what
// came before stays, so that the next try is shorter.
func (s *Server) putBlobs(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.target(r)
	if err == nil && !sha256Hex.MatchString(strings.TrimPrefix(r.PathValue("digest"), "sha256:")) {
		err = api.NewProblem(api.Invalid, "%q is not a tree's digest", r.PathValue("digest"))
	}
	if err == nil {
		err = untimed(w)
	}
	if err == nil {
		err = s.keepBlobs(w, r, p)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) keepBlobs(w http.ResponseWriter, r *http.Request, p store.Project) error {
	in := &wireReader{r: http.MaxBytesReader(w, r.Body, api.MaxTreeBytes+freeBytes), rc: http.NewResponseController(w)}
	z, err := zstd.NewReader(bufio.NewReaderSize(in, readBuffer), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(api.MaxTreeBytes+freeBytes))
	if err != nil {
		return fmt.Errorf("start decompression: %w", err)
	}
	defer z.Close()
	batch, err := s.Blobs.Batch(p.Scope())
	if err != nil {
		return err
	}
	err = keepAll(r.Context(), batch, api.NewBlobReader(&plainReader{r: z, wire: in}))
	return errors.Join(err, batch.Close())
}

func keepAll(ctx context.Context, batch *blob.Batch, blobs *api.BlobReader) error {
	for {
		digest, size, content, err := blobs.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return blame(err)
		}
		if err != nil {
			return err
		}
		if err := batch.Put(ctx, digest, size, content); err != nil {
			return err
		}
	}
}

// wireReader counts what arrives and allows no long silence.
type wireReader struct {
	r  io.Reader
	rc *http.ResponseController
	n  int64
}

func (b *wireReader) Read(p []byte) (int, error) {
	if err := b.rc.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, fmt.Errorf("set read deadline: %w", err)
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	return n, blame(err)
}

// blame tells an error of the body from one of our disk.
func blame(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, errBody) {
		return err
	}
	return fmt.Errorf("%w: %w", errBody, err)
}

// plainReader is the decompressed side.
type plainReader struct {
	r    io.Reader
	wire *wireReader
	n    int64
}

func (b *plainReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n > freeBytes+maxRatio*b.wire.n {
		return 0, fmt.Errorf("the upload grows more than %d-fold when decompressed: %w", maxRatio, api.ErrBlobTooLarge)
	}
	return n, blame(err)
}
