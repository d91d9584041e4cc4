package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	vault "github.com/hashicorp/vault/api"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad/dev/secrets"
	"fngen.dev/fngen/pkg/secret"
)

// Mounts of Vault.
const (
	// ProjectMount holds the environment of every project.
	ProjectMount = jobs.SecretMount
	// PlatformMount holds the credentials of the platform's own jobs.
	PlatformMount = "platform"
	jwtMount      = "jwt-nomad"
)

// Vault sets Vault up: seal, mounts and who may read what.
type Vault struct {
	api     *vault.Client
	secrets secrets.Store
}

// NewVault uses the root token, once there is one.
func NewVault(addr string, s secrets.Store) (*Vault, error) {
	api, err := vault.NewClient(&vault.Config{Address: addr, MaxRetries: 0})
	if err != nil {
		return nil, fmt.Errorf("make vault client: %w", err)
	}
	token, err := s.Get(VaultRoot)
	if err != nil {
		return nil, err
	}
	api.SetToken(token)
	return &Vault{api: api, secrets: s}, nil
}

// ErrKeyLost means that Vault has data which nobody can read any more.
var ErrKeyLost = errors.New("the key of this vault is not in .dev/secrets: " +
	"put it back, or start anew with make clean-cluster")

// Open initialises an empty Vault and unseals a sealed one. One key share is
// enough where the one machine has all of them anyway.
func (v *Vault) Open(ctx context.Context) error {
	done, err := v.api.Sys().InitStatusWithContext(ctx)
	if err != nil {
		return fmt.Errorf("read init status of vault: %w", err)
	}
	if !done {
		if err := v.initialise(ctx); err != nil {
			return err
		}
	}
	key, err := v.secrets.Get(VaultUnsealKey)
	if err != nil {
		return err
	}
	if key == "" {
		return ErrKeyLost
	}
	status, err := v.api.Sys().SealStatusWithContext(ctx)
	if err != nil {
		return fmt.Errorf("read seal status of vault: %w", err)
	}
	if status.Sealed {
		if _, err := v.api.Sys().UnsealWithContext(ctx, key); err != nil {
			return fmt.Errorf("unseal vault: %w", err)
		}
	}
	// Sealed, standby and starting answer other codes than 200.
	health, err := v.api.Sys().HealthWithContext(ctx)
	if err == nil && (health.Sealed || health.Standby) {
		err = fmt.Errorf("not active yet")
	}
	return err
}

// initialise is not broken off with ctx: the reply has the only copy of the key.
func (v *Vault) initialise(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	made, err := v.api.Sys().InitWithContext(ctx, &vault.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return fmt.Errorf("initialise vault: %w", err)
	}
	if err := v.secrets.Put(VaultUnsealKey, made.KeysB64[0]); err != nil {
		return err
	}
	if err := v.secrets.Put(VaultRoot, made.RootToken); err != nil {
		return err
	}
	v.api.SetToken(made.RootToken)
	return nil
}

// Mounts makes the two secret stores. A release pins the version of its
// project's environment, so that versions are kept, and every write must say
// which version it follows.
func (v *Vault) Mounts(ctx context.Context) error {
	have, err := v.api.Sys().ListMountsWithContext(ctx)
	if err != nil {
		return fmt.Errorf("list vault mounts: %w", err)
	}
	for _, path := range []string{ProjectMount, PlatformMount} {
		if have[path+"/"] != nil {
			continue
		}
		input := &vault.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}
		if err := v.api.Sys().MountWithContext(ctx, path, input); err != nil {
			return fmt.Errorf("mount %s: %w", path, err)
		}
	}
	config := map[string]any{"max_versions": 100, "cas_required": true}
	return v.retry(ctx, func() error { return v.write(ctx, ProjectMount+"/config", config) })
}

// TrustNomad lets workloads log in with the identity that Nomad signs. There is
// no default role: a job that names none gets nothing.
func (v *Vault) TrustNomad(ctx context.Context, jwksURL string) error {
	have, err := v.api.Sys().ListAuthWithContext(ctx)
	if err != nil {
		return fmt.Errorf("list auth mounts of vault: %w", err)
	}
	if have[jwtMount+"/"] == nil {
		err := v.api.Sys().EnableAuthWithOptionsWithContext(ctx, jwtMount, &vault.EnableAuthOptions{Type: "jwt"})
		if err != nil {
			return fmt.Errorf("enable auth mount %s: %w", jwtMount, err)
		}
	}
	return v.write(ctx, "auth/"+jwtMount+"/config", map[string]any{
		"jwks_url": jwksURL, "jwt_supported_algs": []string{"RS256", "EdDSA"},
	})
}

// Fngend lets the control plane, the job "fngend" in the platform's namespace,
// read its own credentials, and write the variables of projects.
func (v *Vault) Fngend(ctx context.Context) error {
	const name = "fngend"
	rules := fmt.Sprintf("path %q { capabilities = [\"read\"] }\n", PlatformMount+"/data/"+name) + secret.WriterPolicy()
	if err := v.api.Sys().PutPolicyWithContext(ctx, name, rules); err != nil {
		return fmt.Errorf("write vault policy %s: %w", name, err)
	}
	return v.write(ctx, "auth/"+jwtMount+"/role/"+name, map[string]any{
		"role_type": "jwt", "bound_audiences": []string{"vault.io"}, "user_claim": "sub",
		"bound_claims":   map[string]string{"nomad_namespace": Platform, "nomad_job_id": name},
		"claim_mappings": map[string]string{"nomad_namespace": "nomad_namespace", "nomad_job_id": "nomad_job_id"},
		"token_type":     "service", "token_period": "30m", "token_policies": []string{name},
	})
}

// Projects lets the workloads of each project read its variables.
func (v *Vault) Projects(ctx context.Context) error {
	mounts, err := v.api.Sys().ListAuthWithContext(ctx)
	if err != nil {
		return fmt.Errorf("list auth mounts of vault: %w", err)
	}
	mount := mounts[jwtMount+"/"]
	if mount == nil {
		return fmt.Errorf("vault has no auth mount %s", jwtMount)
	}
	if err := v.api.Sys().PutPolicyWithContext(ctx, jobs.SecretRole, secret.ReaderPolicy(mount.Accessor)); err != nil {
		return fmt.Errorf("write vault policy %s: %w", jobs.SecretRole, err)
	}
	return v.write(ctx, "auth/"+jwtMount+"/role/"+jobs.SecretRole, secret.ReaderRole())
}

// Credentials reads what is stored for a job of the platform; missing is empty.
func (v *Vault) Credentials(ctx context.Context, job string) (map[string]any, error) {
	var data map[string]any
	err := v.retry(ctx, func() error {
		found, err := v.api.KVv2(PlatformMount).Get(ctx, job)
		if err == nil {
			data = found.Data
		}
		if err != nil && strings.Contains(err.Error(), "secret not found") {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read credentials of %s: %w", job, err)
	}
	return data, nil
}

// PutCredentials stores what a job of the platform reads.
func (v *Vault) PutCredentials(ctx context.Context, job string, data map[string]any) error {
	if _, err := v.api.KVv2(PlatformMount).Put(ctx, job, data); err != nil {
		return fmt.Errorf("write credentials of %s: %w", job, err)
	}
	return nil
}

func (v *Vault) write(ctx context.Context, path string, data map[string]any) error {
	if _, err := v.api.Logical().WriteWithContext(ctx, path, data); err != nil {
		return fmt.Errorf("write %s in vault: %w", path, err)
	}
	return nil
}

// retry waits for a new mount, which refuses everything for about a second
// while it turns into a versioned one.
func (v *Vault) retry(ctx context.Context, f func() error) error {
	deadline := time.Now().Add(15 * time.Second)
	for {
		err := f()
		if err == nil || time.Now().After(deadline) || !strings.Contains(err.Error(), "pgrading") {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
