//go:build linux

package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// settings of the kernel that Apply needs.
func (n Node) settings() []string {
	out := []string{"net/ipv4/ip_forward"}
	for _, d := range n.Doors {
		if d.To.Addr().IsLoopback() {
			// For links that are made from now on, those of allocations. FNGEN-RAW keeps
			// others from making use of it.
			return append(out, "net/ipv4/conf/default/route_localnet")
		}
	}
	return out
}

// setKernel turns settings on, and writes down which were off.
func (n Node) setKernel() error {
	for _, name := range n.settings() {
		path := filepath.Join("/proc/sys", name)
		old, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read setting of the kernel: %w", err)
		}
		if strings.TrimSpace(string(old)) != "0" {
			continue
		}
		note := n.note(name)
		if err := os.MkdirAll(filepath.Dir(note), 0o755); err != nil {
			return fmt.Errorf("create directory: %w", err)
		}
		if err := os.WriteFile(note, nil, 0o644); err != nil {
			return fmt.Errorf("note setting of the kernel: %w", err)
		}
		if err := os.WriteFile(path, []byte("1"), 0); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// restoreKernel turns off what setKernel turned on.
func (n Node) restoreKernel() error {
	var errs []error
	for _, name := range []string{"net/ipv4/ip_forward", "net/ipv4/conf/default/route_localnet"} {
		switch err := os.Remove(n.note(name)); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			errs = append(errs, fmt.Errorf("forget setting of the kernel: %w", err))
		default:
			errs = append(errs, os.WriteFile(filepath.Join("/proc/sys", name), []byte("0"), 0))
		}
	}
	return errors.Join(errs...)
}

func (n Node) note(name string) string {
	return filepath.Join(n.Dir, "was-off", strings.ReplaceAll(name, "/", "."))
}
