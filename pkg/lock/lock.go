// Package lock reserves names, one holder at a time, for every control plane of a
// platform together.
//
// A lock is a key in Consul held by a session that its holder renews. A holder
// that dies stops renewing, and Consul lets go of the lock within twice the
// session's time to live.
package lock

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	consul "github.com/hashicorp/consul/api"
)

// prefix is what the control plane's token may write below.
const prefix = "fngen/locks/"

// ttl is the shortest that Consul allows; delay keeps a lock that was lost from
// being taken at once, while its former holder may not know yet.
const (
	ttl   = 10 * time.Second
	delay = time.Second
)

// HeldError says that another has the lock.
type HeldError struct {
	// Holder is what it said of itself.
	Holder string
}

func (e *HeldError) Error() string { return "it is held by " + e.Holder }

// ErrLost is the cause of the end of Lock.Context when the lock was lost: Consul
// could not be reached for as long as a session lives.
var ErrLost = errors.New("the lock was lost")

// Locker takes locks in Consul.
type Locker struct{ api *consul.Client }

// New talks to the Consul agent at addr, a URL, with an ACL token.
func New(addr, token string) (*Locker, error) {
	api, err := consul.NewClient(&consul.Config{Address: addr, Token: token})
	if err != nil {
		return nil, fmt.Errorf("make consul client: %w", err)
	}
	return &Locker{api: api}, nil
}

// Lock is held until Release.
type Lock struct {
	api     *consul.Client
	key     string
	session string
	ctx     context.Context
	end     context.CancelCauseFunc
	renewed chan struct{}
}

// Acquire takes the lock of a name, or returns a *HeldError at once. ctx is for
// this call and the parent of the lock's own.
func (l *Locker) Acquire(ctx context.Context, name, holder string) (*Lock, error) {
	write := (&consul.WriteOptions{}).WithContext(ctx)
	session, _, err := l.api.Session().Create(&consul.SessionEntry{
		Name: "fngen " + name, TTL: ttl.String(), LockDelay: delay, Behavior: consul.SessionBehaviorRelease,
	}, write)
	if err != nil {
		return nil, fmt.Errorf("create consul session: %w", err)
	}
	held := &Lock{api: l.api, key: prefix + url.PathEscape(name), session: session, renewed: make(chan struct{})}
	taken, _, err := l.api.KV().Acquire(&consul.KVPair{Key: held.key, Value: []byte(holder), Session: session}, write)
	if err == nil && !taken {
		err = l.holder(ctx, held.key)
	}
	if err != nil {
		_, destroyErr := l.api.Session().Destroy(session, write)
		return nil, errors.Join(err, destroyErr)
	}
	held.ctx, held.end = context.WithCancelCause(ctx)
	go held.renew()
	return held, nil
}

// holder is the error that names who has a key.
func (l *Locker) holder(ctx context.Context, key string) error {
	pair, _, err := l.api.KV().Get(key, (&consul.QueryOptions{RequireConsistent: true}).WithContext(ctx))
	if err != nil {
		return fmt.Errorf("read lock: %w", err)
	}
	if pair == nil || pair.Session == "" {
		return &HeldError{Holder: "a control plane that has just stopped"} // within the delay
	}
	return &HeldError{Holder: string(pair.Value)}
}

// Context ends when the lock is released, when it is lost, with the cause
// ErrLost, and with the context that it was acquired with.
func (l *Lock) Context() context.Context { return l.ctx }

func (l *Lock) renew() {
	defer close(l.renewed)
	err := l.api.Session().RenewPeriodic(ttl.String(), l.session, (&consul.WriteOptions{}).WithContext(l.ctx), nil)
	if l.ctx.Err() == nil {
		l.end(fmt.Errorf("%w: %w", ErrLost, err))
	}
}

// Release lets go of the lock. It may be called twice.
func (l *Lock) Release() {
	l.end(context.Canceled)
	<-l.renewed
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), ttl)
	defer cancel()
	write := (&consul.WriteOptions{}).WithContext(ctx)
	// In this order: the end of a session that holds a lock starts the delay. When
	// Consul is away the session runs out by itself.
	_, _, _ = l.api.KV().Release(&consul.KVPair{Key: l.key, Session: l.session}, write)
	_, _ = l.api.Session().Destroy(l.session, write)
}
