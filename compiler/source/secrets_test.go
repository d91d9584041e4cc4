package source

import "testing"

func TestLooksSecret(t *testing.T) {
	for _, name := range []string{
		".env", ".ENV", ".envrc", ".env.local", ".env.production.local", ".env-prod", "prod.env", "server.pem", "tls.key", "a.p12", "a.PFX", "store.jks",
		"id_rsa", "id_ed25519", "id_ed25519_sk", "id_rsa.bak", ".netrc", ".pypirc", "credentials.json", "secrets.toml", "kubeconfig", "terraform.tfstate",
	} {
		if !looksSecret(name) {
			t.Errorf("%q does not look like a secret", name)
		}
	}
	for _, name := range []string{
		"", ".env.example", ".env.sample", ".env-template", ".env.local.dist", "example.env", "key.sample.pem", ".environment", ".envelope.py", "env", "env.py",
		"id_rsa.pub", "id_generator.py", "id_", "monkey", "keys.py", "pem", ".pem.py", "key", "secrets.py", "credentials.py",
	} {
		if looksSecret(name) {
			t.Errorf("%q looks like a secret", name)
		}
	}
}
