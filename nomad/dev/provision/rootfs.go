// Package provision prepares what a node offers to its tasks: the tiny root file
// system, and the directory that they see as /opt/fngen.
package provision

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

const passwd = `root:x:0:0:root:/root:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`

const group = `root:x:0:
nogroup:x:65534:
`

const nsswitch = `passwd: files
group: files
hosts: files dns
`

// caBundles are where distributions keep the certificates that they trust.
var caBundles = []string{
	"/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Alpine
	"/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL
	"/etc/ssl/ca-bundle.pem",             // openSUSE
}

// RootFS fills dir, which Nomad copies to "/" of every task (chroot_env): links
// into /usr, which comes by a host volume, and a handful of files. Nomad makes
// links of a source directory anew and hard-links its files, so that a task
// starts in a fraction of a second. own are files that it has in place of the
// machine's, by their name below dir: what an allocation's network asks for.
func RootFS(dir string, own map[string]string) error {
	if err := links(dir); err != nil {
		return err
	}
	files := map[string]string{
		"etc/passwd": passwd, "etc/group": group, "etc/nsswitch.conf": nsswitch,
	}
	for target, source := range map[string]string{
		"etc/resolv.conf": "/etc/resolv.conf", "etc/localtime": "/etc/localtime",
	} {
		// Both are often links to places that a task does not have.
		if raw, err := os.ReadFile(source); err == nil {
			files[target] = string(raw)
		}
	}
	for _, bundle := range caBundles {
		if raw, err := os.ReadFile(bundle); err == nil {
			files["etc/ssl/certs/ca-certificates.crt"] = string(raw)
			files["etc/ssl/cert.pem"] = string(raw)
			break
		}
	}
	maps.Copy(files, own)
	for name, content := range files {
		if err := replaceFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// links makes bin, lib and so on as the host has them.
func links(dir string) error {
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} {
		target, err := os.Readlink("/" + name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("/%s is not a link into /usr: nodes need a distribution with a merged /usr, such as Debian 12", name)
		}
		if err := replaceLink(filepath.Join(dir, name), target); err != nil {
			return err
		}
	}
	return nil
}

// replaceLink leaves no moment without a link.
func replaceLink(path, target string) error {
	if old, err := os.Readlink(path); err == nil && old == target {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("create %s: %w", filepath.Dir(path), err)
	}
	tmp := path + ".tmp"
	if err := errors.Join(os.RemoveAll(tmp), os.Symlink(target, tmp)); err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	return os.Rename(tmp, path)
}

// replaceFile writes a file under a new inode, and only when it differs: tasks
// hold hard links to the old one.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(data) {
		return os.Chmod(path, mode)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("create %s: %w", filepath.Dir(path), err)
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, data, mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Chmod(tmp, mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp, path)
}
