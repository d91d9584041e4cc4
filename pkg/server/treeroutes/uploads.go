package treeroutes

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/server/manifest"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/store"
)

// AskUploads asks how much of large contents is there.
type AskUploads struct {
	Project string `path:"project" doc:"The project's name"`
	Body    api.Uploads
}

// BeginUploads tells how much of each content is there, and refuses what there is
// no room for before anything of it is sent.
func (t *Routes) BeginUploads(ctx context.Context, actor store.Actor, in *AskUploads) (api.UploadStates, error) {
	p, err := t.People.Project(ctx, actor, in.Project)
	if err != nil {
		return api.UploadStates{}, err
	}
	if err := t.Budget.Look(p.AccountID); err != nil {
		return api.UploadStates{}, err
	}
	view, err := t.Blobs.View(p.Scope())
	if err != nil {
		return api.UploadStates{}, err
	}
	defer view.Close()
	out, left := api.UploadStates{Contents: []api.UploadState{}}, in.Body.More
	for _, c := range in.Body.Contents {
		if err := checkUpload(c.ID, c.Size); err != nil {
			return out, err
		}
		// The request whose connection broke may not have noticed it yet.
		t.intakes.Settled(ctx, partOf(p.Scope(), c.ID), brokenTime)
		state, err := t.uploadState(p, view, c)
		if err != nil {
			return out, err
		}
		out.Contents = append(out.Contents, state)
		if left += c.Size - state.Offset; left > api.MaxTreeBytes {
			return out, api.NewProblem(api.TooLarge, "the contents have more than %d bytes together", int64(api.MaxTreeBytes))
		}
	}
	return out, t.Room.Look(ctx, p, left)
}

// brokenTime is how long it is waited for a connection that may be broken.
const brokenTime = 2 * time.Second

func checkUpload(id string, size int64) error {
	switch {
	case !manifest.IsSHA256(id):
		return api.NewProblem(api.Invalid, "%q is not 64 lower-case hex digits", id)
	case size <= api.LargeBytes:
		return api.NewProblem(api.Invalid, "a content of %d bytes comes with its tree; those of more than %d come by themselves", size, api.LargeBytes)
	case size > api.MaxFileBytes:
		return api.NewProblem(api.TooLarge, "the content has %d bytes, more than %d", size, int64(api.MaxFileBytes))
	}
	return nil
}

func (t *Routes) uploadState(p store.Project, view *blob.View, c api.UploadOf) (api.UploadState, error) {
	if c.SHA256 != "" {
		if !manifest.IsSHA256(c.SHA256) {
			return api.UploadState{}, api.NewProblem(api.Invalid, "%q is not a digest", c.SHA256)
		}
		switch size, there, err := sizeOf(view, source.File{SHA256: c.SHA256, Size: c.Size}); {
		case err != nil:
			return api.UploadState{}, err
		case there && size == c.Size:
			return api.UploadState{Offset: size, SHA256: c.SHA256}, nil
		case there:
			return api.UploadState{}, api.NewProblem(api.Invalid, "%s has %d bytes, not %d", c.SHA256, size, c.Size)
		}
	}
	offset, err := t.Blobs.PartOffset(p.Scope(), c.ID, c.Size)
	return api.UploadState{Offset: offset}, err
}

// PatchUpload takes a piece of a content in. Whatever ends it, what has arrived
// stays for a day.
func (t *Routes) PatchUpload(w http.ResponseWriter, r *http.Request) {
	state, err := t.takePiece(w, r)
	if err != nil {
		t.Fail(w, r, err)
		return
	}
	t.JSON(w, state)
}

func (t *Routes) takePiece(w http.ResponseWriter, r *http.Request) (api.UploadState, error) {
	actor, p, err := t.People.Target(r)
	if err != nil {
		return api.UploadState{}, err
	}
	id := r.PathValue("id")
	offset, err1 := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64)
	size, err2 := strconv.ParseInt(r.URL.Query().Get("size"), 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return api.UploadState{}, api.NewProblem(api.Invalid, "offset and size must be numbers")
	}
	if err := checkUpload(id, size); err != nil {
		return api.UploadState{}, err
	}
	if err := t.Budget.Look(p.AccountID); err != nil {
		return api.UploadState{}, err
	}
	// Two that send the same content do so one after the other, and the second has
	// nothing left to send.
	done, err := t.intakes.Take(r.Context(), partOf(p.Scope(), id))
	if err != nil {
		return api.UploadState{}, err
	}
	defer done()
	leave, err := t.uploads.Enter(r.Context(), actor.KeyID)
	if err != nil {
		return api.UploadState{}, err
	}
	defer leave()
	release, err := t.Room.Take(r.Context(), p, size-offset)
	if err != nil {
		return api.UploadState{}, err
	}
	defer release()
	return t.appendPiece(w, r, p, id, offset, size)
}

// partOf is what a part is called among those that are in use.
func partOf(scope, id string) string { return "part " + scope + " " + id }

func (t *Routes) appendPiece(w http.ResponseWriter, r *http.Request, p store.Project, id string, offset, size int64) (state api.UploadState, err error) {
	part, err := t.Blobs.Part(p.Scope(), id, size)
	if err != nil {
		return state, err
	}
	defer func() { err = errors.Join(err, part.Close()) }()
	if part.Offset() != offset {
		return state, api.NewProblem(api.OffsetMismatch, "the platform has %d bytes of it, not %d", part.Offset(), offset)
	}
	if err := respond.Untimed(w); err != nil {
		return state, err
	}
	in, err := t.newIntake(w, r, size-offset)
	if err != nil {
		return state, err
	}
	defer in.close()
	defer func() { t.Budget.Spend(p.AccountID, in.plain.n) }()
	if err := part.Append(r.Context(), in.plain); err != nil {
		return state, err
	}
	if !part.Whole() {
		return api.UploadState{Offset: part.Offset()}, nil
	}
	digest, err := part.Keep()
	return api.UploadState{Offset: size, SHA256: digest}, err
}
