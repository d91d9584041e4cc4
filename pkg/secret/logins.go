package secret

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	vault "github.com/hashicorp/vault/api"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/task"
)

// loginTime is how long Vault may take for one answer.
const loginTime = 10 * time.Second

// Logins are those of the workers of projects at the broker, which the control plane
// writes and their jobs read.
type Logins struct {
	api *vault.Client
	// tokenFile is read for each request: Nomad writes a new one when the old one has
	// run out.
	tokenFile string
}

// NewLogins makes them; nothing is asked before the first call.
func NewLogins(addr, tokenFile string) (*Logins, error) {
	api, err := vault.NewClient(&vault.Config{Address: addr, Timeout: loginTime, MaxRetries: 0, DisableRedirects: true})
	if err != nil {
		return nil, fmt.Errorf("make vault client: %w", err)
	}
	api.ClearToken()
	return &Logins{api, tokenFile}, nil
}

// WriteBroker writes how the workers of a project reach the broker, as the newest
// version.
func (l *Logins) WriteBroker(ctx context.Context, project string, b task.Broker) error {
	c, err := l.client()
	if err != nil {
		return fmt.Errorf("write the broker's login of project %s: %w", project, err)
	}
	data := map[string]any{"url": b.URL, "username": b.Username, "password": b.Password, "ca": b.CA}
	for range 3 { // another control plane may write at the same time
		version, err := newest(ctx, c, project)
		if err == nil {
			body := map[string]any{"data": data, "options": map[string]any{"cas": version}}
			_, err = c.Logical().WriteWithContext(ctx, jobs.SecretMount+"/data/"+jobs.BrokerPath(project), body)
		}
		if err == nil {
			return nil
		}
		if !strings.Contains(err.Error(), "check-and-set parameter did not match") {
			return fmt.Errorf("write the broker's login of project %s: %w", project, err)
		}
	}
	return fmt.Errorf("write the broker's login of project %s: others write it too", project)
}

// BrokerVersion is the number of the newest version, 0 for none.
func (l *Logins) BrokerVersion(ctx context.Context, project string) (int64, error) {
	c, err := l.client()
	if err != nil {
		return 0, fmt.Errorf("look for the broker's login of project %s: %w", project, err)
	}
	version, err := newest(ctx, c, project)
	if err != nil {
		return 0, fmt.Errorf("look for the broker's login of project %s: %w", project, err)
	}
	return version, nil
}

// DeleteBroker removes all versions for good.
func (l *Logins) DeleteBroker(ctx context.Context, project string) error {
	c, err := l.client()
	if err == nil {
		_, err = c.Logical().DeleteWithContext(ctx, jobs.SecretMount+"/metadata/"+jobs.BrokerPath(project))
	}
	if err != nil {
		return fmt.Errorf("delete the broker's login of project %s: %w", project, err)
	}
	return nil
}

func (l *Logins) client() (*vault.Client, error) {
	token, err := os.ReadFile(l.tokenFile)
	if err != nil {
		return nil, fmt.Errorf("there is no token for vault: %w", err)
	}
	c, err := l.api.Clone()
	if err != nil {
		return nil, err
	}
	c.SetToken(strings.TrimSpace(string(token)))
	return c, nil
}

// newest is the number of the newest version, 0 for none: whoever writes must say which
// one it follows.
func newest(ctx context.Context, c *vault.Client, project string) (int64, error) {
	found, err := c.Logical().ReadWithContext(ctx, jobs.SecretMount+"/metadata/"+jobs.BrokerPath(project))
	if err != nil || found == nil {
		return 0, err
	}
	number, ok := found.Data["current_version"].(interface{ Int64() (int64, error) })
	if !ok {
		return 0, errors.New("its metadata has no version")
	}
	return number.Int64()
}
