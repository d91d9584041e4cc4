//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
)

// addAddress gives the loopback interface one more address. The kernel answers
// on all of 127.0.0.0/8 anyway, but Nomad wants to see it on the interface.
func addAddress(ctx context.Context, addr string) error {
	have, err := addresses()
	if err != nil || slices.Contains(have, addr) {
		return err
	}
	return ip(ctx, "addr", "add", addr+"/32", "dev", "lo")
}

func removeAddress(ctx context.Context, addr string) error {
	return ip(ctx, "addr", "del", addr+"/32", "dev", "lo")
}

// addresses lists those of lo that look like a simulated server's.
func addresses() ([]string, error) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return nil, fmt.Errorf("find loopback interface: %w", err)
	}
	all, err := lo.Addrs()
	if err != nil {
		return nil, fmt.Errorf("list addresses of lo: %w", err)
	}
	var found []string
	for _, a := range all {
		if addr, bits, _ := strings.Cut(a.String(), "/"); bits == "32" && strings.HasPrefix(addr, "127.0.10.") {
			found = append(found, addr)
		}
	}
	return found, nil
}

func ip(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("run ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
