//go:build linux

package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/containernetworking/cni/libcni"
)

// namespaces is where Nomad pins the network of an allocation, under its id. That
// is why it outlives all processes in it, and Nomad.
const namespaces = "/run/netns"

// Holders lists the allocations that have an address.
func (n Node) Holders() ([]string, error) {
	dir := filepath.Join(n.Store, n.Name())
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if _, err := netip.ParseAddr(e.Name()); err != nil {
			continue // a lock, or which address was given out last
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // given back, at the latest just now
		}
		if err != nil {
			return nil, fmt.Errorf("read who has address %s: %w", e.Name(), err)
		}
		id, _, _ := strings.Cut(string(text), "\n")
		ids = append(ids, strings.TrimSpace(id))
	}
	return ids, nil
}

// Clear takes the networks of allocations away of which nothing runs any more:
// mapped ports, address, link and namespace. Nomad does so for those that it sees
// end. An id that has none is no error.
func (n Node) Clear(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := libcni.ConfListFromFile(n.list())
	if errors.Is(err, fs.ErrNotExist) {
		return nil // never was there
	}
	if err != nil {
		return fmt.Errorf("read list of plugins: %w", err)
	}
	held, err := n.Holders()
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		_, err := os.Stat(filepath.Join(namespaces, id))
		if err != nil && !slices.Contains(held, id) {
			continue // Nomad keeps directories of allocations long after their networks
		}
		if err := clear(ctx, list, id); err != nil {
			errs = append(errs, fmt.Errorf("clear the network of allocation %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

func clear(ctx context.Context, list *libcni.NetworkConfigList, id string) error {
	path := filepath.Join(namespaces, id)
	rt := &libcni.RuntimeConf{
		ContainerID: id, IfName: "eth0",
		// portmap forgets all of an allocation when it is told of any.
		CapabilityArgs: map[string]any{"portMappings": []map[string]any{{"hostPort": 1, "containerPort": 1, "protocol": "tcp"}}},
	}
	if _, err := os.Stat(path); err == nil {
		rt.NetNS = path
	}
	err := libcni.NewCNIConfig([]string{Plugins}, nil).DelNetworkList(ctx, list, rt)
	if rt.NetNS == "" {
		return err
	}
	if unmount := syscall.Unmount(path, syscall.MNT_DETACH); unmount != nil && !errors.Is(unmount, syscall.EINVAL) {
		return errors.Join(err, fmt.Errorf("unmount %s: %w", path, unmount))
	}
	return errors.Join(err, os.Remove(path))
}
