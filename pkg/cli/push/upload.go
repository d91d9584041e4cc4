package push

import (
	"context"
	"errors"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/term"
)

// upload gives the platform the tree: what it had the last time is known here,
// else asked for, and only the difference is sent. Large files that are new are
// read while they are sent.
func (p *push) upload(ctx context.Context) error {
	start := time.Now()
	defer func() { p.timings.Upload = time.Since(start).Milliseconds() }()
	base, err := p.base(ctx)
	if err != nil {
		return err
	}
	if base != nil && base.Digest() == p.digest {
		p.state.acknowledged(p.scanned.Manifest, p.digest)
		return nil
	}
	u := &upload.Request{Tree: p.scanned.Tree, Base: base, Ask: p.askAll || p.state.broken(), Unread: p.scanned, Settled: p.scanned.Remember}
	p.progress.Begin("upload", "uploading "+uploadMessage(u))
	if total := u.Bytes(); total > api.LargeBytes && !p.JSON {
		p.progress.Measure(total, u.Done.Load)
	}
	p.state.begin()
	err = upload.Send(ctx, p.client, p.project, u)
	p.uploaded = u.Sent.Load()
	if err != nil && ctx.Err() != nil && u.Done.Load() > 0 {
		return &exit.Failure{Code: exit.Interrupted, Message: "interrupted; nothing was changed", Help: "push again: what has arrived is not sent again"}
	}
	if err != nil {
		return err
	}
	p.digest = p.scanned.Digest()
	p.state.acknowledged(p.scanned.Manifest, p.digest)
	return nil
}

func uploadMessage(u *upload.Request) string {
	if u.Ask {
		return "the rest"
	}
	return term.Count(u.Files(), "file", "files")
}

// base is a tree that the platform has, or nil.
func (p *push) base(ctx context.Context) (*api.Manifest, error) {
	if p.askAll {
		return nil, nil
	}
	if m, ok := p.state.manifest(); ok {
		return m, nil
	}
	m, err := p.client.LatestTree(ctx, p.project)
	if errors.Is(err, api.ErrNoTree) {
		return nil, nil
	}
	return m, err
}
