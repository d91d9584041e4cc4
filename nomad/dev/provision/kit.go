package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"fngen.dev/fngen/nomad/dev/layout"
)

// Mount is where a task sees the kit.
const Mount = "/opt/fngen"

// Kit is what a node offers, for those who describe jobs that use it.
type Kit struct {
	// Pythons are the language versions that have a runtime, newest last.
	Pythons []string
	// BuildDigest identifies the settings for builds.
	BuildDigest string
	// FngendDigest identifies the control plane's binary.
	FngendDigest string
}

// Report takes one line of progress.
type Report func(format string, args ...any)

// Prepare brings the kit up to date: binaries, uv, the Pythons, the
// SDK's wheel, a runtime for each Python, the platform's CA and the settings for builds. Running tasks
// see a file change as a whole or not at all.
func Prepare(ctx context.Context, l layout.Layout, w Wanted, caFile string, report Report) (Kit, error) {
	var k Kit
	uv, err := UV(ctx, l, report)
	if err != nil {
		return k, err
	}
	system, err := System(ctx)
	if err != nil {
		return k, err
	}
	offered, err := pythons(ctx, l, uv, w, system, report)
	if err != nil {
		return k, err
	}
	for target, source := range map[string]string{
		"bin/uv":          uv,
		"bin/fngen-agent": filepath.Join(l.Bin(), "fngen-agent"),
		"bin/fngend":      filepath.Join(l.Bin(), "fngend"),
	} {
		if err := install(source, filepath.Join(l.Kit(), target), 0o755); err != nil {
			return k, err
		}
	}
	if err := install(caFile, filepath.Join(l.Kit(), "etc", "ca.pem"), 0o644); err != nil {
		return k, err
	}
	wheel, err := buildWheel(ctx, l, uv, report)
	if err != nil {
		return k, err
	}
	for _, p := range offered {
		if err := installRuntime(ctx, l, uv, p, wheel, report); err != nil {
			return k, err
		}
		k.Pythons = append(k.Pythons, p.Version())
	}
	if k.BuildDigest, err = writeBuildEnv(ctx, l); err != nil {
		return k, err
	}
	k.FngendDigest, err = fileDigest(filepath.Join(l.Kit(), "bin", "fngend"))
	return k, err
}

// install copies a file to a new inode, and only when it differs: tasks run
// from the old one.
func install(source, target string, mode os.FileMode) error {
	want, err := fileDigest(source)
	if err != nil {
		return err
	}
	if have, err := fileDigest(target); err == nil && have == want {
		return os.Chmod(target, mode)
	}
	in, err := os.Open(source)
	if err != nil {
		return fmt.Errorf("install %s: %w", filepath.Base(target), err)
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return fmt.Errorf("install %s: %w", filepath.Base(target), err)
	}
	out, err := os.OpenFile(target+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return fmt.Errorf("install %s: %w", filepath.Base(target), err)
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Chmod(mode), out.Close()); err != nil {
		return fmt.Errorf("install %s: %w", filepath.Base(target), err)
	}
	return os.Rename(target+".tmp", target)
}

func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("digest file: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("digest %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
