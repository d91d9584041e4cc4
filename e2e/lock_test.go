package e2e

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	consul "github.com/hashicorp/consul/api"

	"fngen.dev/fngen/pkg/lock"
)

// TestLock holds on a real Consul that a lock has one holder, who is named to the
// others, that it comes free when it is released and when its holder dies, and
// that a holder who lost it hears so.
func TestLock(t *testing.T) {
	requireCluster(t)
	t.Parallel()
	addr, token := os.Getenv("CONSUL_HTTP_ADDR"), os.Getenv("CONSUL_HTTP_TOKEN")
	locks, err := lock.New(addr, token)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	const name = "e2e ${x}/../lock"
	first, err := locks.Acquire(ctx, name, "a push by a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	_, err = locks.Acquire(ctx, name, "another")
	if held := (*lock.HeldError)(nil); !errors.As(err, &held) || held.Holder != "a push by a@example.com" {
		t.Fatalf("a lock that is held: %v", err)
	}
	other, err := locks.Acquire(ctx, "e2e other", "another")
	if err != nil {
		t.Fatalf("another name: %v", err)
	}
	other.Release()
	first.Release()
	first.Release()
	if first.Context().Err() == nil {
		t.Error("the context goes on after the release")
	}

	second, err := locks.Acquire(ctx, name, "b")
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	// What Consul does when a holder has not renewed: the session ends.
	destroySessions(t, addr, token, "fngen "+name)
	select {
	case <-second.Context().Done():
		if !errors.Is(context.Cause(second.Context()), lock.ErrLost) {
			t.Errorf("cause %v", context.Cause(second.Context()))
		}
	case <-time.After(settle):
		t.Error("nobody told the holder that the lock is lost")
	}
	second.Release()
	if !eventually(func() bool {
		third, err := locks.Acquire(ctx, name, "c")
		if err == nil {
			third.Release()
		}
		return err == nil
	}) {
		t.Error("a lock that was lost never comes free")
	}
}

func destroySessions(t *testing.T, addr, token, name string) {
	t.Helper()
	api, err := consul.NewClient(&consul.Config{Address: addr, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	sessions, _, err := api.Session().List(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sessions {
		if s.Name == name {
			if _, err := api.Session().Destroy(s.ID, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}
