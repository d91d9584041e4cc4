package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/config/dependencies"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/program"
)

// git asks repositories of strangers for commits, as the project's user.
type git struct {
	command program.Command
	signals <-chan os.Signal
	log     console.Logger
	own     ownGit
	// pinned are the addresses that were looked at, as curl takes them.
	pinned []string
	// bases begin the addresses that were looked at.
	bases []string
}

// gitError is the fault of one requirement, with its place.
type gitError struct {
	code string
	at   dependencies.Git
	msg  string
}

func (e *gitError) Error() string {
	return fmt.Sprintf("%s:%d:%d: error[%s]: %s", e.at.Place.File, e.at.Place.Line, e.at.Place.Column, e.code, e.msg)
}

func (e *gitError) Unwrap() error { return errRefused }

// commit finds out which commit a requirement stands for.
func (g *git) commit(ctx context.Context, r dependencies.Git) (string, error) {
	program, err := exec.LookPath(g.command.Path)
	if err != nil {
		return "", &gitError{"FN2004", r, "this node has no git, which the requirement needs"}
	}
	g.command.Path = program
	if err := g.reachable(ctx, r); err != nil {
		return "", err
	}
	if r.Commit != "" {
		return r.Commit, nil
	}
	patterns := []string{"HEAD"}
	if r.Ref != "" {
		patterns = []string{"refs/heads/" + r.Ref, "refs/tags/" + r.Ref, "refs/tags/" + r.Ref + "^{}", r.Ref}
	}
	out, code, err := g.run(append([]string{"ls-remote", "--", r.URL}, patterns...)...)
	switch {
	case err != nil:
		return "", err
	case code != 0:
		return "", &gitError{"FN2003", r, fmt.Sprintf("the repository %s cannot be read; redirects are not followed", r.URL)}
	}
	if commit := chooseRef(out, patterns); commit != "" {
		return commit, nil
	}
	if shortCommit.MatchString(r.Ref) {
		return g.expand(r)
	}
	return "", &gitError{"FN2003", r, fmt.Sprintf("the repository %s has no branch, tag or commit %q", r.URL, or(r.Ref, "HEAD"))}
}

var (
	remoteRef   = regexp.MustCompile(`(?m)^([0-9a-f]{40})\t(\S+)$`)
	shortCommit = regexp.MustCompile(`^[0-9a-f]{7,39}$`)
)

// chooseRef takes a branch before a tag, as installers do, and what a tag stands
// for before the tag.
func chooseRef(out string, patterns []string) string {
	found := map[string]string{}
	for _, m := range remoteRef.FindAllStringSubmatch(out, -1) {
		found[m[2]] = m[1]
	}
	for _, p := range patterns {
		if commit := found[p+"^{}"]; commit != "" {
			return commit
		}
		if commit := found[p]; commit != "" {
			return commit
		}
	}
	return ""
}

// expand finds the commit of which only the first digits are known: a server does
// not say, so its history is fetched, without files where it can.
func (g *git) expand(r dependencies.Git) (string, error) {
	dir := filepath.Join(g.command.Env.Get("HOME"), "history")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	_, code, err := g.run("clone", "--quiet", "--bare", "--filter=tree:0", "--", r.URL, dir)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	out := ""
	if code == 0 {
		out, code, err = g.run("-C", dir, "rev-parse", "--verify", "--quiet", "--end-of-options", r.Ref+"^{commit}")
	}
	if err == nil && code == 0 && len(strings.TrimSpace(out)) == 40 {
		return strings.TrimSpace(out), nil
	}
	return "", errors.Join(err, &gitError{"FN2003", r, fmt.Sprintf("the repository %s has no branch, tag or commit %q", r.URL, r.Ref)})
}

// reachable holds that a repository is not at an address of the node itself, which
// answers there to more than to the world. The address that was looked at is the
// one that git then uses.
func (g *git) reachable(ctx context.Context, r dependencies.Git) error {
	u, err := url.Parse(r.URL)
	if err != nil {
		return &gitError{"FN2003", r, fmt.Sprintf("%q is not a URL", r.URL)}
	}
	base := "https://" + u.Host + "/"
	if g.own.has(u) {
		g.allow(base)
		return nil
	}
	proxied := g.command.Env.Get("HTTPS_PROXY")+g.command.Env.Get("https_proxy")+g.command.Env.Get("ALL_PROXY") != ""
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		if proxied {
			g.allow(base)
			return nil // the proxy looks the name up
		}
		return &gitError{"FN2003", r, fmt.Sprintf("the host %s is not known: %v", u.Hostname(), err)}
	}
	port := or(u.Port(), "443")
	list := []string{}
	for _, a := range addresses {
		if a = a.Unmap(); !public(a) {
			return &gitError{"FN2005", r, fmt.Sprintf("the host %s is at %s, an address of the node itself", u.Hostname(), a)}
		}
		text := a.String()
		if a.Is6() {
			text = "[" + text + "]"
		}
		list = append(list, text)
	}
	if pin := net.JoinHostPort(u.Hostname(), port) + ":" + strings.Join(list, ","); !proxied && !slices.Contains(g.pinned, pin) {
		g.pinned = append(g.pinned, pin)
	}
	g.allow(base)
	return nil
}

// allow lets git read repositories whose addresses begin like that.
func (g *git) allow(base string) {
	if !slices.Contains(g.bases, base) {
		g.bases = append(g.bases, base)
	}
}

// public says of an address that it is not one of this machine or its cable.
func public(a netip.Addr) bool {
	return !a.IsLoopback() && !a.IsLinkLocalUnicast() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsInterfaceLocalMulticast()
}

// maxRefs bounds what a repository may say of itself.
const maxRefs = 4 << 20

// run runs git and returns what it printed. Its complaints go to our own stream.
func (g *git) run(args ...string) (string, int, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	var out bytes.Buffer
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(&out, io.LimitReader(r, maxRefs))
		_, rest := io.Copy(io.Discard, r)
		done <- errors.Join(err, rest)
	}()
	c := g.command
	c.Args, c.Stdout, c.Env = args, w, g.environment(c.Env)
	status, err := program.Run(c, g.signals)
	w.Close()
	if read := <-done; err == nil {
		err = read
	}
	if err != nil {
		return "", 0, fmt.Errorf("run git: %w", err)
	}
	return out.String(), console.ExitCode(status), nil
}
