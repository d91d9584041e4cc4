// Package mirror makes a mirror of Pythons in a directory, in the form that uv
// reads, out of an interpreter that this machine has: for tests, which must not
// depend on the places where uv has Pythons from.
package mirror

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// release is the prefix of URLs that uv replaces by the mirror.
const release = "https://github.com/astral-sh/python-build-standalone/releases/download/"

// Make fills dir with an archive of the interpreter, as build number of its
// version, and with the list that names it. It returns the settings of uv that lead
// there.
func Make(dir string, in Interpreter, build string) (map[string]string, error) {
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	name := fmt.Sprintf("cpython-%s+%s-%s-unknown-linux-gnu-install_only_stripped.tar.gz", in.Version, build, arch)
	digest, err := write(filepath.Join(dir, build, name), in)
	if err != nil {
		return nil, fmt.Errorf("pack Python %s: %w", in.Version, err)
	}
	list, err := list(in, arch, build, release+build+"/"+strings.Replace(name, "+", "%2B", 1), digest)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "list.json"), list, 0o644); err != nil {
		return nil, err
	}
	return map[string]string{
		"UV_PYTHON_INSTALL_MIRROR":     "file://" + dir,
		"UV_PYTHON_DOWNLOADS_JSON_URL": "file://" + dir + "/list.json",
	}, nil
}

// list is what uv has built in for the Pythons that it knows.
func list(in Interpreter, arch, build, url, digest string) ([]byte, error) {
	part := strings.Split(in.Version, ".")
	if len(part) != 3 {
		return nil, fmt.Errorf("Python %q has no patch version", in.Version)
	}
	minor, err1 := strconv.Atoi(part[1])
	patch, err2 := strconv.Atoi(part[2])
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		fmt.Sprintf("cpython-%s-linux-%s-gnu", in.Version, arch): map[string]any{
			"name": "cpython", "arch": map[string]any{"family": arch, "variant": nil}, "os": "linux", "libc": "gnu",
			"major": 3, "minor": minor, "patch": patch, "prerelease": "", "variant": nil, "build": build,
			"url": url, "sha256": digest,
		},
	})
}

// write makes the archive and returns its digest.
func write(path string, in Interpreter) (digest string, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	z, err := gzip.NewWriterLevel(io.MultiWriter(f, h), gzip.BestSpeed)
	if err != nil {
		return "", err
	}
	t := tar.NewWriter(z)
	if err := errors.Join(in.pack(t), t.Close(), z.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
