package control

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/largepayload"
	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/secret"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/tasks"
)

// brokerConfig is how RabbitMQ is reached. Without FNGEND_BROKER_URL there is none.
func brokerConfig(getenv func(string) string) (queue.Config, error) {
	c := queue.Config{
		URL: getenv("FNGEND_BROKER_URL"), ManagementURL: getenv("FNGEND_BROKER_MANAGEMENT_URL"),
		User: cmp.Or(getenv("FNGEND_BROKER_USER"), "fngend"), Password: getenv("FNGEND_BROKER_PASSWORD"), Key: getenv("FNGEND_BROKER_KEY"),
	}
	if c.URL == "" {
		return queue.Config{}, nil
	}
	c.WorkerURL = cmp.Or(getenv("FNGEND_BROKER_WORKER_URL"), c.URL)
	var unset []string
	for _, need := range []struct{ name, value string }{
		{"FNGEND_BROKER_MANAGEMENT_URL", c.ManagementURL}, {"FNGEND_BROKER_PASSWORD", c.Password}, {"FNGEND_BROKER_KEY", c.Key},
	} {
		if need.value == "" {
			unset = append(unset, need.name)
		}
	}
	if len(unset) > 0 {
		return c, fmt.Errorf("the environment has FNGEND_BROKER_URL and lacks %s", strings.Join(unset, ", "))
	}
	if path := getenv("FNGEND_BROKER_CA_CERT"); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("read FNGEND_BROKER_CA_CERT: %w", err)
		}
		c.CA = string(text)
	}
	return c, nil
}

// newDispatch connects package dispatch with the cluster; nil where there is no broker.
func newDispatch(ctx context.Context, c Config, s *store.Store, scheduler *nomad.Client, log *slog.Logger) (*dispatch.Service, error) {
	if c.Broker.URL == "" {
		return nil, nil
	}
	kept, err := largepayload.Open(filepath.Join(c.Data, payloadsDir))
	if err != nil {
		return nil, err
	}
	logins, err := secret.NewLogins(c.VaultAddr, c.VaultTokenFile)
	if err != nil {
		return nil, err
	}
	return dispatch.New(ctx, dispatch.Options{
		Store: s, Ledger: tasks.New(s, nil), Broker: queue.New(c.Broker), Logins: logins, Payloads: kept,
		Allocations: allocations{scheduler}, Log: log,
	}), nil
}

// allocations are Nomad's, as package dispatch asks about them.
type allocations struct{ *nomad.Client }

// ReleaseOf is the release that an allocation runs, by the arguments of its agent.
func (a allocations) ReleaseOf(ctx context.Context, namespace, job, allocation string) (int, error) {
	args, _, err := a.Arguments(ctx, namespace, job, allocation)
	if err != nil {
		return 0, err
	}
	if n := jobs.ReleaseNumber(args); n > 0 {
		return n, nil
	}
	return 0, fmt.Errorf("allocation %s does not say which release it runs", allocation)
}
