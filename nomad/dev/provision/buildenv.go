package provision

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"fngen.dev/fngen/nomad/dev/layout"
)

// hostSettings reads the machine's. Without pip there are only variables.
func hostSettings(ctx context.Context) Settings {
	env := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	var pip map[string]string
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		out, err := exec.CommandContext(ctx, python, "-m", "pip", "config", "list").Output()
		if err == nil {
			pip = parsePipConfig(string(out))
			break
		}
	}
	if pip == nil {
		pip = map[string]string{}
		for name, value := range env {
			if option, ok := strings.CutPrefix(name, "PIP_"); ok {
				pip[strings.ReplaceAll(strings.ToLower(option), "_", "-")] = value
			}
		}
	}
	s := Translate(env, pip)
	if s.Config == "" {
		s.Config = firstFile(filepath.Join(env["HOME"], ".config", "uv", "uv.toml"), "/etc/uv/uv.toml")
	}
	return s
}

// hostBuildEnv is for uv on this machine.
func hostBuildEnv(ctx context.Context) ([]string, error) {
	s := hostSettings(ctx)
	if s.CA != "" {
		s.UV["SSL_CERT_FILE"] = s.CA
	}
	if dirs := existing(s.FindLinks); len(dirs) > 0 {
		s.UV["UV_FIND_LINKS"] = strings.Join(append(dirs, nonEmpty(s.UV["UV_FIND_LINKS"])...), ",")
	}
	return lines(s.UV), nil
}

// writeBuildEnv writes etc/build.env for builds in tasks, with what it names
// copied to where a task can read it, and returns a digest of all of it.
func writeBuildEnv(ctx context.Context, l layout.Layout) (string, error) {
	s, h := hostSettings(ctx), sha256.New()
	add := func(name, source, variable string) error {
		raw, err := os.ReadFile(source)
		if err != nil {
			return fmt.Errorf("read build setting %s: %w", variable, err)
		}
		fmt.Fprintf(h, "%s %x\n", name, sha256.Sum256(raw))
		s.UV[variable] = Mount + "/etc/" + name
		return replaceFile(filepath.Join(l.Kit(), "etc", name), raw, 0o644)
	}
	for _, file := range []struct{ name, source, variable string }{
		{"build-ca.pem", s.CA, "SSL_CERT_FILE"}, {"git-ca.pem", s.GitCA, "FNGEN_GIT_CA"}, {"uv.toml", s.Config, "UV_CONFIG_FILE"},
	} {
		if file.source == "" {
			continue
		}
		if err := add(file.name, file.source, file.variable); err != nil {
			return "", err
		}
	}
	links, err := copyLinks(s.FindLinks, filepath.Join(l.Kit(), "find-links"))
	if err != nil {
		return "", err
	}
	if links {
		s.UV["UV_FIND_LINKS"] = strings.Join(append([]string{Mount + "/find-links"}, nonEmpty(s.UV["UV_FIND_LINKS"])...), ",")
	}
	var b bytes.Buffer
	for _, line := range lines(s.UV) {
		if strings.ContainsAny(line, "\n\r\x00") {
			name, _, _ := strings.Cut(line, "=")
			return "", fmt.Errorf("build setting %s has a line break in it", name)
		}
		b.WriteString(line + "\n")
	}
	h.Write(b.Bytes())
	return hex.EncodeToString(h.Sum(nil)), replaceFile(filepath.Join(l.Kit(), "etc", "build.env"), b.Bytes(), 0o600)
}

// copyLinks brings the packages of local directories to where tasks see them.
func copyLinks(dirs []string, target string) (bool, error) {
	found := false
	for _, dir := range existing(dirs) {
		files, err := os.ReadDir(dir)
		if err != nil {
			return false, fmt.Errorf("read find-links directory: %w", err)
		}
		for _, f := range files {
			if !f.Type().IsRegular() || !strings.HasSuffix(f.Name(), ".whl") && !strings.HasSuffix(f.Name(), ".tar.gz") {
				continue
			}
			if err := install(filepath.Join(dir, f.Name()), filepath.Join(target, f.Name()), 0o644); err != nil {
				return false, err
			}
			found = true
		}
	}
	return found, nil
}

func existing(dirs []string) []string {
	return slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool {
		info, err := os.Stat(dir)
		return err != nil || !info.IsDir()
	})
}

func lines(vars map[string]string) []string {
	list := make([]string, 0, len(vars))
	for name, value := range vars {
		list = append(list, name+"="+value)
	}
	sort.Strings(list)
	return list
}

func firstFile(paths ...string) string {
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			return p
		}
	}
	return ""
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
