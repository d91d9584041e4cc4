package api

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// The bounds of a deploy key's life.
const (
	MinKeyLife = time.Minute
	MaxKeyLife = 366 * 24 * time.Hour
)

// NewDeployKey asks for a key of one project: POST /v1/keys.
type NewDeployKey struct {
	Project string `json:"project" doc:"The project's name"`
	Scope   Scope  `json:"scope" enum:"plan,deploy" doc:"What the key may do"`
	// Seconds and not a time: the clocks of the two sides may differ.
	ExpiresIn int64  `json:"expires_in" minimum:"60" maximum:"31622400" doc:"Seconds from now until the key ends"`
	Label     string `json:"label,omitempty" maxLength:"100" doc:"What the key is for"`
}

// DeployKey is a key with its secret, which is told this once.
type DeployKey struct {
	Key string `json:"key"`
	KeyInfo
}

// KeyInfo is an API key without its secret: a line of `fngen key list`.
type KeyInfo struct {
	ID int64 `json:"id"`
	// Hint is the key's first characters.
	Hint  string `json:"hint"`
	Label string `json:"label"`
	Scope Scope  `json:"scope"`
	// Project is empty for a key of the account.
	Project   string     `json:"project"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`
	// LastUsed may be a minute old; null when the key was never used.
	LastUsed *time.Time `json:"last_used"`
	Expired  bool       `json:"expired"`
}

// CreateKey makes a deploy key.
func (c *Client) CreateKey(ctx context.Context, in NewDeployKey) (DeployKey, error) {
	return call[DeployKey](ctx, c, http.MethodPost, "/v1/keys", in)
}

// Keys lists the account's keys that are not revoked, oldest first.
func (c *Client) Keys(ctx context.Context) ([]KeyInfo, error) {
	return call[[]KeyInfo](ctx, c, http.MethodGet, "/v1/keys", nil)
}

// RevokeKey ends a key at once.
func (c *Client) RevokeKey(ctx context.Context, id int64) (KeyInfo, error) {
	return call[KeyInfo](ctx, c, http.MethodDelete, "/v1/keys/"+strconv.FormatInt(id, 10), nil)
}
