package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"go.yaml.in/yaml/v4"

	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/term"
)

// readCredentials reads the credentials file; none is the same as an empty one.
func (a Source) readCredentials() (Credentials, error) {
	if a.Home == "" {
		return Credentials{}, nil
	}
	path := filepath.Join(a.Home, ".fngen", "credentials.yml")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Credentials{}, nil
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("read credentials: %w", err)
	}
	c, err := a.parseCredentials(data)
	if err != nil {
		return Credentials{}, err
	}
	if c.Key != "" {
		a.warnIfOpen(path)
	}
	c.CACert = a.resolve(c.CACert, filepath.Dir(path))
	return c, nil
}

// warnIfOpen warns when others may read the key. Windows has no such modes.
func (a Source) warnIfOpen(path string) {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return
	}
	a.Warnf("%s can be read by others (mode %04o); run: chmod 600 %s", credentialsName, info.Mode().Perm(), credentialsName)
}

// resolve makes a path of the credentials file absolute.
func (a Source) resolve(path, dir string) string {
	switch {
	case path == "" || filepath.IsAbs(path):
		return path
	case strings.HasPrefix(path, "~/"):
		return filepath.Join(a.Home, path[2:])
	}
	return filepath.Join(dir, path)
}

// parseCredentials reads the YAML. Its errors never quote a value: it may be the
// key.
func (a Source) parseCredentials(data []byte) (Credentials, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return Credentials{}, malformed(yamlErrorLine(err), "not valid YAML")
	}
	var c Credentials
	if len(doc.Content) == 0 {
		return c, nil
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return c, nil
	}
	if root.Kind != yaml.MappingNode {
		return c, malformed(root.Line, `expected lines such as "api_key: fngen_..."`)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if err := a.setCredential(&c, seen, root.Content[i], root.Content[i+1]); err != nil {
			return Credentials{}, err
		}
	}
	return c, nil
}

func (a Source) setCredential(c *Credentials, seen map[string]bool, key, value *yaml.Node) error {
	name := key.Value
	if key.Kind == yaml.ScalarNode && seen[name] {
		return malformed(key.Line, fmt.Sprintf("%q is there twice", term.Escape(name)))
	}
	seen[name] = true
	known := name == "api_key" || name == "api_url" || name == "ca_cert"
	if !known {
		a.Warnf("%s:%d: unknown key %q (known are api_key, api_url, ca_cert)", credentialsName, key.Line, term.Escape(name))
		return nil
	}
	if value.Kind == yaml.ScalarNode && value.Tag == "!!null" {
		return nil
	}
	if value.Kind != yaml.ScalarNode || value.Tag != "!!str" {
		return malformed(value.Line, name+" must be text")
	}
	text := strings.TrimSpace(value.Value)
	switch name {
	case "api_key":
		c.Key = secret(text)
	case "api_url":
		c.APIURL = text
	case "ca_cert":
		c.CACert = text
	}
	return nil
}

func malformed(line int, what string) error {
	place := credentialsName
	if line > 0 {
		place = fmt.Sprintf("%s:%d", credentialsName, line)
	}
	return &exit.Failure{Code: exit.BadUsage, Message: place + ": " + what, Help: "the file holds lines such as\n  api_key: fngen_..."}
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

// yamlErrorLine digs the line out of the text of a syntax error, which is the
// only place where the parser says it; 0 when it does not.
func yamlErrorLine(err error) int {
	var line int
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		_, _ = fmt.Sscan(m[1], &line)
	}
	return line
}
