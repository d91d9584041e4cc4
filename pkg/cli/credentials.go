package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"go.yaml.in/yaml/v4"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/term"
)

const (
	defaultAPIURL   = "https://api.fngen.dev"
	credentialsName = "~/.fngen/credentials.yml"
)

const keyHelp = `get an API key from your fngen account, then either
  export FNGEN_API_KEY=fngen_...
or write this line to ~/.fngen/credentials.yml (chmod 600):
  api_key: fngen_...
and try it with: fngen connect`

// keyShape is what every key looks like: a typo is seen without the network.
// Whether a key is right, only the platform says.
var keyShape = regexp.MustCompile(`^fngen_[0-9A-Za-z]{33}$`)

// secret is a value that prints as [redacted], however it is printed.
type secret string

func (secret) String() string               { return "[redacted]" }
func (secret) GoString() string             { return "[redacted]" }
func (secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// credentials say which platform to talk to, and as whom.
type credentials struct {
	Key    secret
	APIURL string
	// CACert is the PEM file with the platform's own CA, or empty.
	CACert string
}

// loadCredentials takes each value from the environment, else from the
// credentials file.
func (a *app) loadCredentials() (credentials, error) {
	c := credentials{
		Key:    secret(strings.TrimSpace(a.Getenv("FNGEN_API_KEY"))),
		APIURL: a.Getenv("FNGEN_API_URL"),
		CACert: a.Getenv("FNGEN_CA_CERT"),
	}
	keyFrom, urlFrom := "FNGEN_API_KEY", "FNGEN_API_URL"
	if c.Key == "" || c.APIURL == "" || c.CACert == "" {
		file, err := a.readCredentials()
		if err != nil {
			return credentials{}, err
		}
		if c.Key == "" {
			c.Key, keyFrom = file.Key, "api_key in "+credentialsName
		}
		if c.APIURL == "" {
			c.APIURL, urlFrom = file.APIURL, "api_url in "+credentialsName
		}
		if c.CACert == "" {
			c.CACert = file.CACert
		}
	}
	if c.APIURL == "" {
		c.APIURL = defaultAPIURL
	}
	if err := checkURL(c.APIURL, urlFrom); err != nil {
		return credentials{}, err
	}
	if err := checkKey(c.Key, keyFrom); err != nil {
		return credentials{}, err
	}
	a.warnIfClear(c.APIURL, urlFrom)
	return c, nil
}

// warnIfClear warns when the key would cross a network unencrypted.
func (a *app) warnIfClear(apiURL, from string) {
	u, err := url.Parse(apiURL)
	if err != nil || u.Scheme != "http" {
		return
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsLoopback() || u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") {
		return
	}
	a.warnf("%s is http: the API key can be read on its way; use https", from)
}

func checkKey(key secret, from string) error {
	switch {
	case key == "":
		return &failure{Code: api.Unauthenticated, Message: "no API key", Help: keyHelp}
	case !keyShape.MatchString(string(key)):
		return &failure{
			Code:    api.Unauthenticated,
			Message: from + " is not an API key: a key is fngen_ and 33 letters or digits",
			Help:    "copy the whole key again, without quotes or spaces around it",
		}
	}
	return nil
}

func checkURL(s, from string) error {
	u, err := url.Parse(s)
	if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		return nil
	}
	return &failure{
		Code:    badUsage,
		Message: fmt.Sprintf("%s is not a URL: %q", from, s),
		Help:    "it looks like " + defaultAPIURL,
	}
}

// readCredentials reads the credentials file; none is the same as an empty one.
func (a *app) readCredentials() (credentials, error) {
	if a.Home == "" {
		return credentials{}, nil
	}
	path := filepath.Join(a.Home, ".fngen", "credentials.yml")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return credentials{}, nil
	}
	if err != nil {
		return credentials{}, fmt.Errorf("read credentials: %w", err)
	}
	c, err := a.parseCredentials(data)
	if err != nil {
		return credentials{}, err
	}
	if c.Key != "" {
		a.warnIfOpen(path)
	}
	c.CACert = a.resolve(c.CACert, filepath.Dir(path))
	return c, nil
}

// warnIfOpen warns when others may read the key. Windows has no such modes.
func (a *app) warnIfOpen(path string) {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return
	}
	a.warnf("%s can be read by others (mode %04o); run: chmod 600 %s", credentialsName, info.Mode().Perm(), credentialsName)
}

// resolve makes a path of the credentials file absolute.
func (a *app) resolve(path, dir string) string {
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
func (a *app) parseCredentials(data []byte) (credentials, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return credentials{}, malformed(yamlErrorLine(err), "not valid YAML")
	}
	var c credentials
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
			return credentials{}, err
		}
	}
	return c, nil
}

func (a *app) setCredential(c *credentials, seen map[string]bool, key, value *yaml.Node) error {
	name := key.Value
	if key.Kind == yaml.ScalarNode && seen[name] {
		return malformed(key.Line, fmt.Sprintf("%q is there twice", term.Escape(name)))
	}
	seen[name] = true
	known := name == "api_key" || name == "api_url" || name == "ca_cert"
	if !known {
		a.warnf("%s:%d: unknown key %q (known are api_key, api_url, ca_cert)", credentialsName, key.Line, term.Escape(name))
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
	return &failure{Code: badUsage, Message: place + ": " + what, Help: "the file holds lines such as\n  api_key: fngen_..."}
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
