package control

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/deploy"
	"fngen.dev/fngen/pkg/deploy/router"
	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/lock"
	"fngen.dev/fngen/pkg/secret"
	"fngen.dev/fngen/pkg/store"
)

// parts are what the deployer uses that others use too; each is nil where the platform
// has none.
type parts struct {
	journal deploy.Journal
	work    *dispatch.Service
}

// newDeployer connects package deploy with the cluster.
func newDeployer(ctx context.Context, c Config, s *store.Store, b *blob.Dir, with parts, log *slog.Logger) (deployer, error) {
	_, portText, err := net.SplitHostPort(c.Ingress)
	if err != nil {
		return nil, fmt.Errorf("FNGEND_INGRESS %q is not of the form host:port: %w", c.Ingress, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("FNGEND_INGRESS %q has no port number: %w", c.Ingress, err)
	}
	scheduler, err := nomad.New(c.NomadAddr, c.NomadToken)
	if err != nil {
		return nil, err
	}
	locks, err := lock.New(c.ConsulAddr, c.ConsulToken)
	if err != nil {
		return nil, err
	}
	secrets, err := secret.New(c.VaultAddr, c.VaultTokenFile)
	if err != nil {
		return nil, err
	}
	cluster := jobs.DefaultCluster()
	cluster.Domain, cluster.Port, cluster.APIURL = c.Domain, port, c.APIURL
	cluster.UVVersion, cluster.BuildDigest = c.UVVersion, c.BuildDigest
	ingress, err := router.New(c.Ingress, c.CACert, cluster)
	if err != nil {
		return nil, err
	}
	config := deploy.Config{
		Version: api.Version, Cluster: cluster, DefaultRegion: c.DefaultRegion,
		Pythons: c.Pythons, Router: ingress, Journal: with.journal,
	}
	if with.work != nil { // a nil *dispatch.Service is no nil deploy.Tasks
		config.Tasks = with.work
	}
	return deploy.New(ctx, config, s, b, scheduler, consulLocks{locks}, secrets, log), nil
}

// consulLocks are the locks in Consul as package deploy declares them.
type consulLocks struct{ *lock.Locker }

func (l consulLocks) Acquire(ctx context.Context, name, holder string) (deploy.Lock, error) {
	held, err := l.Locker.Acquire(ctx, name, holder)
	if err != nil {
		return nil, err // not a nil *lock.Lock, which is no nil deploy.Lock
	}
	return held, nil
}
