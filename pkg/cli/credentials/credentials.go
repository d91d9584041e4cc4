// Package credentials says which platform to talk to, and as whom.
package credentials

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/exit"
)

const (
	defaultAPIURL   = "https://api.fngen.dev"
	credentialsName = "~/.fngen/credentials.yml"
)

// keyShape is what every key looks like: a typo is seen without the network.
// Whether a key is right, only the platform says.
var keyShape = regexp.MustCompile(`^fngen_[0-9A-Za-z]{33}$`)

// secret is a value that prints as [redacted], however it is printed.
type secret string

func (secret) String() string               { return "[redacted]" }
func (secret) GoString() string             { return "[redacted]" }
func (secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// Credentials are from the environment, else from the credentials file.
type Credentials struct {
	Key    secret
	APIURL string
	// CACert is the PEM file with the platform's own CA, or empty.
	CACert string
}

// Source is where credentials come from.
type Source struct {
	Getenv func(string) string
	// Home is the person's home directory, empty when there is none.
	Home string
	// Warnf tells of what is odd in the file.
	Warnf func(format string, args ...any)
}

// Load takes each value from the environment, else from the credentials file.
func Load(a Source) (Credentials, error) {
	c := Credentials{
		Key:    secret(strings.TrimSpace(a.Getenv("FNGEN_API_KEY"))),
		APIURL: a.Getenv("FNGEN_API_URL"),
		CACert: a.Getenv("FNGEN_CA_CERT"),
	}
	keyFrom, urlFrom := "FNGEN_API_KEY", "FNGEN_API_URL"
	if c.Key == "" || c.APIURL == "" || c.CACert == "" {
		file, err := a.readCredentials()
		if err != nil {
			return Credentials{}, err
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
		return Credentials{}, err
	}
	if err := checkKey(c.Key, keyFrom); err != nil {
		return Credentials{}, err
	}
	return c, nil
}

func checkKey(key secret, from string) error {
	switch {
	case key == "":
		return &exit.Failure{Code: api.Unauthenticated, Message: "no API key", Help: exit.KeyHelp}
	case !keyShape.MatchString(string(key)):
		return &exit.Failure{
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
		return checkClear(u, from)
	}
	return &exit.Failure{
		Code:    exit.BadUsage,
		Message: fmt.Sprintf("%s is not a URL: %q", from, s),
		Help:    "it looks like " + defaultAPIURL,
	}
}

// checkClear refuses an address on whose way the key could be read.
func checkClear(u *url.URL, from string) error {
	if !api.InClear(u) {
		return nil
	}
	return &exit.Failure{
		Code:    exit.BadUsage,
		Message: fmt.Sprintf("%s is http, and %q is another machine: the API key could be read on its way. Nothing was sent", from, u.Hostname()),
		Help:    "use the platform's https address; one with a CA of its own needs FNGEN_CA_CERT too",
	}
}
