package provision

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// rewritable bounds the files in which a place may stand: the largest are those of
// sysconfig.
const rewritable = 4 << 20

// finish makes a Python that uv has just installed fit for tasks, where it has
// another place and cannot be written. It returns its full version and, where it is
// known, its build: a name for its directory.
func finish(ctx context.Context, p Python) (string, error) {
	full, err := fullVersion(ctx, p)
	if err != nil {
		return "", err
	}
	place := Mount + "/python/" + p.Version()
	if err := settle(p, place); err != nil {
		return "", err
	}
	// Byte code is checked neither by time nor by content: nobody edits the library.
	// Tests are left out, being a third of it.
	out, err := run(ctx, p, "-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash",
		"-x", `/(tests?|idlelib|lib2to3|site-packages)/`, "-s", p.Home, "-p", place, filepath.Join(p.Home, "lib", "python"+p.Version()))
	if err != nil {
		return "", fmt.Errorf("compile the library of Python %s: %w\n%s", full, err, out)
	}
	if build, err := os.ReadFile(filepath.Join(p.Home, "BUILD")); err == nil {
		full += "-" + filepath.Base(strings.TrimSpace(string(build)))
	}
	return full, nil
}

// fullVersion starts the Python, with what an application needs of its library.
func fullVersion(ctx context.Context, p Python) (string, error) {
	out, err := run(ctx, p, "-c", "import ctypes, sqlite3, ssl, sys, zlib; print('%d.%d.%d' % sys.version_info[:3])")
	full := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("what uv installed does not run here: %s", full[strings.LastIndexByte(full, '\n')+1:])
	}
	if !strings.HasPrefix(full, p.Version()+".") {
		return "", fmt.Errorf("uv installed Python %s for %s", full, p.Version())
	}
	return full, nil
}

func run(ctx context.Context, p Python, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, p.Path(), append([]string{"-I", "-B"}, args...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}
	return cmd.CombinedOutput()
}

// settle writes the place where tasks see it in place of the one where uv put it,
// which uv wrote into sysconfig and the like, and lets everybody read all of it.
func settle(p Python, place string) error {
	return filepath.WalkDir(p.Home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if d.IsDir() || info.Mode()&0o111 != 0 {
			mode = 0o755
		}
		if info.Mode()&^fs.ModeDir != mode { // nor is there a bit such as setuid
			if err := os.Chmod(path, mode); err != nil {
				return err
			}
		}
		if d.IsDir() || info.Size() > rewritable {
			return nil
		}
		return rewrite(path, p, place, mode)
	})
}

func rewrite(path string, p Python, place string, mode fs.FileMode) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := bytes.ReplaceAll(old, []byte(p.Home), []byte(place))
	if bytes.Equal(old, text) || bytes.IndexByte(old, 0) >= 0 {
		return nil
	}
	return os.WriteFile(path, text, mode)
}
