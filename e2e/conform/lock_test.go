package conform

import (
	"context"
	"os"
	"testing"

	consul "github.com/hashicorp/consul/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/pkg/lock"
	"fngen.dev/fngen/pkg/lock/locktest"
)

// TestLock holds on a real Consul what locks in memory do, and that a lock comes
// free when its holder dies.
func TestLock(t *testing.T) {
	cluster.Require(t)
	t.Parallel()
	addr, token := os.Getenv("CONSUL_HTTP_ADDR"), os.Getenv("CONSUL_HTTP_TOKEN")
	locks, err := lock.New(addr, token)
	if err != nil {
		t.Fatal(err)
	}
	acquire := func(ctx context.Context, name, holder string) (locktest.Lock, error) {
		held, err := locks.Acquire(ctx, name, holder)
		if err != nil {
			return nil, err
		}
		return held, nil
	}
	var lost string
	// What Consul does when a holder has not renewed: the session ends.
	locktest.Conform(t, acquire, func(name string) { lost = name; destroySessions(t, addr, token, "fngen "+name) })
	if !cluster.Eventually(3*late, func() bool {
		third, err := locks.Acquire(t.Context(), lost, "c")
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
