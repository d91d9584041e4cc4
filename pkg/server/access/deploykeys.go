package access

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// NewKey is the request for a deploy key.
type NewKey struct{ Body api.NewDeployKey }

// KeyNumber is a request about a key.
type KeyNumber struct {
	Key int64 `path:"key" doc:"The key's number"`
}

// KeyRows keep keys. *store.Store does.
type KeyRows interface {
	Project(ctx context.Context, account int64, name string) (store.Project, error)
	Keys(ctx context.Context, account int64) ([]store.Key, error)
	CreateDeployKey(ctx context.Context, actor store.Actor, p store.Project, scope api.Scope, life time.Duration, label string) (store.Key, store.Secret, error)
	RevokeKey(ctx context.Context, actor store.Actor, id int64) error
}

// DeployKeys makes, lists and ends keys of accounts.
type DeployKeys struct{ Rows KeyRows }

// accountKeys bounds the live deploy keys of an account.
const accountKeys = 1000

// Create makes a deploy key of one of the account's projects.
func (k DeployKeys) Create(ctx context.Context, actor store.Actor, in *NewKey) (api.DeployKey, error) {
	p, err := k.Rows.Project(ctx, actor.AccountID, in.Body.Project)
	if err != nil {
		return api.DeployKey{}, err
	}
	all, err := k.liveKeys(ctx, actor)
	if err != nil {
		return api.DeployKey{}, err
	}
	if len(all) >= accountKeys {
		return api.DeployKey{}, api.NewProblem(api.NoRoom, "this account has %d keys, which is as many as an account may have", len(all)).
			WithHelp("revoke those that are not used any more: fngen key list")
	}
	life := time.Duration(in.Body.ExpiresIn) * time.Second
	key, secret, err := k.Rows.CreateDeployKey(ctx, actor, p, in.Body.Scope, life, in.Body.Label)
	if err != nil {
		return api.DeployKey{}, err
	}
	return api.DeployKey{Key: secret.Reveal(), KeyInfo: keyInfo(key)}, nil
}

// List are the keys of the account that are not revoked.
func (k DeployKeys) List(ctx context.Context, actor store.Actor, _ *struct{}) ([]api.KeyInfo, error) {
	keys, err := k.liveKeys(ctx, actor)
	out := []api.KeyInfo{}
	for _, one := range keys {
		out = append(out, keyInfo(one))
	}
	return out, err
}

// Revoke ends a key of the account. Another account's is one that does not exist.
func (k DeployKeys) Revoke(ctx context.Context, actor store.Actor, in *KeyNumber) (api.KeyInfo, error) {
	keys, err := k.liveKeys(ctx, actor)
	if err != nil {
		return api.KeyInfo{}, err
	}
	i := slices.IndexFunc(keys, func(one store.Key) bool { return one.ID == in.Key })
	if i < 0 {
		return api.KeyInfo{}, fmt.Errorf("API key %d %w", in.Key, store.ErrNotFound)
	}
	return keyInfo(keys[i]), k.Rows.RevokeKey(ctx, actor, in.Key)
}

func (k DeployKeys) liveKeys(ctx context.Context, actor store.Actor) ([]store.Key, error) {
	keys, err := k.Rows.Keys(ctx, actor.AccountID)
	return slices.DeleteFunc(keys, func(one store.Key) bool { return !one.RevokedAt.IsZero() }), err
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
