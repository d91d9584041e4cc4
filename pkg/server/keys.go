package server

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

type inNewKey struct{ Body api.NewDeployKey }

type inKey struct {
	Key int64 `path:"key" doc:"The key's number"`
}

// accountKeys bounds the live deploy keys of an account.
const accountKeys = 1000

// createKey makes a deploy key of one of the account's projects.
func (s *Server) createKey(ctx context.Context, actor store.Actor, in *inNewKey) (api.DeployKey, error) {
	p, err := s.Store.Project(ctx, actor.AccountID, in.Body.Project)
	if err != nil {
		return api.DeployKey{}, err
	}
	all, err := s.liveKeys(ctx, actor)
	if err != nil {
		return api.DeployKey{}, err
	}
	if len(all) >= accountKeys {
		return api.DeployKey{}, api.NewProblem(api.NoRoom, "this account has %d keys, which is as many as an account may have", len(all)).
			WithHelp("revoke those that are not used any more: fngen key list")
	}
	life := time.Duration(in.Body.ExpiresIn) * time.Second
	key, secret, err := s.Store.CreateDeployKey(ctx, actor, p, in.Body.Scope, life, in.Body.Label)
	if err != nil {
		return api.DeployKey{}, err
	}
	return api.DeployKey{Key: secret.Reveal(), KeyInfo: keyInfo(key)}, nil
}

// listKeys are the keys of the account that are not revoked.
func (s *Server) listKeys(ctx context.Context, actor store.Actor, _ *struct{}) ([]api.KeyInfo, error) {
	keys, err := s.liveKeys(ctx, actor)
	out := []api.KeyInfo{}
	for _, k := range keys {
		out = append(out, keyInfo(k))
	}
	return out, err
}

// revokeKey ends a key of the account. Another account's is one that does not exist.
func (s *Server) revokeKey(ctx context.Context, actor store.Actor, in *inKey) (api.KeyInfo, error) {
	keys, err := s.liveKeys(ctx, actor)
	if err != nil {
		return api.KeyInfo{}, err
	}
	i := slices.IndexFunc(keys, func(k store.Key) bool { return k.ID == in.Key })
	if i < 0 {
		return api.KeyInfo{}, fmt.Errorf("API key %d %w", in.Key, store.ErrNotFound)
	}
	return keyInfo(keys[i]), s.Store.RevokeKey(ctx, actor, in.Key)
}

func (s *Server) liveKeys(ctx context.Context, actor store.Actor) ([]store.Key, error) {
	keys, err := s.Store.Keys(ctx, actor.AccountID)
	return slices.DeleteFunc(keys, func(k store.Key) bool { return !k.RevokedAt.IsZero() }), err
}

func keyInfo(k store.Key) api.KeyInfo {
	return api.KeyInfo{
		ID: k.ID, Hint: k.Hint, Label: k.Label, Scope: k.Scope, Project: k.Project, CreatedAt: k.CreatedAt,
		ExpiresAt: orNull(k.ExpiresAt), LastUsed: orNull(k.LastUsed),
		Expired: !k.ExpiresAt.IsZero() && !time.Now().Before(k.ExpiresAt),
	}
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
