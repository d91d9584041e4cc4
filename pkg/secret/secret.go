// Package secret keeps the variables of projects in Vault, in versions, and cannot
// read them: its policy lets it write whole sets, merge into the newest, and see
// names and the state of versions. Only a workload of the project itself can read
// values (see jobs.SecretRole).
//
// No error of this package holds a value.
package secret

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	vault "github.com/hashicorp/vault/api"

	"fngen.dev/fngen/jobs"
)

var (
	// ErrAway means that Vault does not answer, or is sealed: nothing was written, or
	// nobody knows.
	ErrAway = errors.New("vault does not answer")
	// ErrConflict means that the newest version is another one than was built on:
	// nothing was written.
	ErrConflict = errors.New("the newest version of the variables is another one")
)

// patience is how long Vault may take for one answer.
const patience = 10 * time.Second

// Store is the variables of all projects.
type Store struct {
	api *vault.Client
	// tokenFile is read for each request: Nomad writes a new one when the old one has
	// run out.
	tokenFile string
}

// New makes a store. Nothing is asked before the first call.
func New(addr, tokenFile string) (*Store, error) {
	c := &vault.Config{Address: addr, Timeout: patience, MaxRetries: 0, DisableRedirects: true}
	api, err := vault.NewClient(c)
	if err != nil {
		return nil, fmt.Errorf("make vault client: %w", err)
	}
	api.ClearToken()
	return &Store{api: api, tokenFile: tokenFile}, nil
}

// Newest is the newest version of a project's variables: its number, 0 when there is
// none, when it was written, and the names that it has. Gone says that it was deleted
// in Vault, and has no names any more.
type Newest struct {
	Number int
	At     time.Time
	Gone   bool
	Names  []string
	// Keeps is how many versions Vault keeps: with one more, the oldest is lost.
	Keeps int
}

// keeps is how many versions Vault keeps where nothing else is set for a project: that of
// the mount.
const keeps = 100

// Newest looks up the newest version.
func (s *Store) Newest(ctx context.Context, project string) (Newest, error) {
	versions, kept, err := s.versions(ctx, project)
	if err != nil {
		return Newest{}, err
	}
	out := Newest{Keeps: kept}
	for number, v := range versions {
		if number >= out.Number {
			out = Newest{Number: number, At: v.at, Gone: v.gone, Keeps: kept}
		}
	}
	if out.Number == 0 || out.Gone {
		return out, nil
	}
	found, err := s.ask(ctx, "read the names of variables", func(c *vault.Client) (*vault.Secret, error) {
		at := map[string][]string{"version": {strconv.Itoa(out.Number)}, "depth": {"1"}}
		return c.Logical().ReadWithDataWithContext(ctx, path("subkeys", project), at)
	})
	if err != nil || found == nil {
		return out, err
	}
	names, _ := found.Data["subkeys"].(map[string]any)
	out.Names = slices.Sorted(maps.Keys(names))
	return out, nil
}

// Has reports whether a version is there and can be read.
func (s *Store) Has(ctx context.Context, project string, number int) (bool, error) {
	versions, _, err := s.versions(ctx, project)
	v, ok := versions[number]
	return ok && !v.gone, err
}

// Old are the versions before the newest one that can be read and were written before a
// time, the oldest first.
func (s *Store) Old(ctx context.Context, project string, before time.Time) ([]int, error) {
	versions, _, err := s.versions(ctx, project)
	if err != nil || len(versions) == 0 {
		return nil, err
	}
	numbers := slices.Sorted(maps.Keys(versions))
	return slices.DeleteFunc(numbers[:len(numbers)-1], func(n int) bool {
		return versions[n].gone || !versions[n].at.Before(before)
	}), nil
}

// Destroy removes the values of versions for good.
func (s *Store) Destroy(ctx context.Context, project string, numbers []int) error {
	_, err := s.ask(ctx, "destroy old variables", func(c *vault.Client) (*vault.Secret, error) {
		return c.Logical().WriteWithContext(ctx, path("destroy", project), map[string]any{"versions": numbers})
	})
	return err
}

type version struct {
	at   time.Time
	gone bool
}

func (s *Store) versions(ctx context.Context, project string) (out map[int]version, kept int, err error) {
	found, err := s.ask(ctx, "read the versions of variables", func(c *vault.Client) (*vault.Secret, error) {
		return c.Logical().ReadWithContext(ctx, path("metadata", project))
	})
	if err != nil || found == nil {
		return nil, keeps, err
	}
	if kept, _ = strconv.Atoi(fmt.Sprint(found.Data["max_versions"])); kept == 0 {
		kept = keeps
	}
	listed, _ := found.Data["versions"].(map[string]any)
	out = map[int]version{}
	for text, state := range listed {
		number, err := strconv.Atoi(text)
		fields, ok := state.(map[string]any)
		if err != nil || !ok {
			return nil, kept, fmt.Errorf("read the versions of variables: version %q is of no form that is known", text)
		}
		created, _ := fields["created_time"].(string)
		deleted, _ := fields["deletion_time"].(string)
		destroyed, _ := fields["destroyed"].(bool)
		at, _ := time.Parse(time.RFC3339Nano, created) // only shown
		out[number] = version{at, destroyed || deleted != ""}
	}
	return out, kept, nil
}

// Write makes the version after base, which is base with names set and unset, or the
// first one when base is 0. whole says that there is nothing to build on: what is set
// is all there is.
func (s *Store) Write(ctx context.Context, project string, base int, whole bool, set map[string]string, unset []string) (int, error) {
	data := map[string]any{}
	for name, value := range set {
		data[name] = value
	}
	if !whole {
		for _, name := range unset {
			data[name] = nil
		}
	}
	body := map[string]any{"data": data, "options": map[string]any{"cas": base}}
	written, err := s.ask(ctx, "write variables", func(c *vault.Client) (*vault.Secret, error) {
		if whole {
			return c.Logical().WriteWithContext(ctx, path("data", project), body)
		}
		return c.Logical().JSONMergePatch(ctx, path("data", project), body)
	})
	if err != nil {
		return 0, err
	}
	if written == nil {
		return 0, errors.New("write variables: vault answered nothing")
	}
	number, err := strconv.Atoi(fmt.Sprint(written.Data["version"]))
	if err != nil || number != base+1 {
		return 0, fmt.Errorf("write variables: the answer has version %v after %d", written.Data["version"], base)
	}
	return number, nil
}

// Delete removes all versions for good.
func (s *Store) Delete(ctx context.Context, project string) error {
	_, err := s.ask(ctx, "delete variables", func(c *vault.Client) (*vault.Secret, error) {
		return c.Logical().DeleteWithContext(ctx, path("metadata", project))
	})
	return err
}

// path is an API path of KV v2, which has one for each kind of access.
func path(kind, project string) string {
	return jobs.SecretMount + "/" + kind + "/" + jobs.SecretPath(project)
}

// ask makes one request with the token of now.
func (s *Store) ask(ctx context.Context, what string, request func(*vault.Client) (*vault.Secret, error)) (*vault.Secret, error) {
	token, err := os.ReadFile(s.tokenFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: there is no token: %w", what, ErrAway, err)
	}
	c, err := s.api.Clone()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	c.SetToken(strings.TrimSpace(string(token)))
	answer, err := request(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, meaning(err))
	}
	return answer, nil
}

// meaning sorts what Vault says into what can be done about it.
func meaning(err error) error {
	said, answered := errors.AsType[*vault.ResponseError](err)
	_, network := errors.AsType[net.Error](err)
	switch {
	case answered && slices.ContainsFunc(said.Errors, func(s string) bool { return strings.Contains(s, "check-and-set parameter did not match") }):
		return ErrConflict
	case answered && said.StatusCode == http.StatusNotFound: // what was to be built on is not there any more
		return ErrConflict
	case answered && said.StatusCode == http.StatusServiceUnavailable, !answered && network:
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return err
}
