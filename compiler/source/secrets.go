package source

import (
	"bytes"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/source/disk"
)

// looksSecret reports whether a name is one under which people keep secrets.
func looksSecret(name string) bool {
	name = strings.ToLower(name)
	if rest, ok := strings.CutPrefix(name, ".env"); ok {
		return rest == "" || rest == "rc" || strings.ContainsRune(".-_", rune(rest[0])) && !isSample(rest)
	}
	if slices.Contains(secretNames, name) {
		return true
	}
	for _, key := range []string{"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"} {
		if strings.HasPrefix(name, key) {
			return !strings.HasSuffix(name, ".pub")
		}
	}
	dot := strings.LastIndexByte(name, '.')
	return dot > 0 && slices.Contains(secretEndings, name[dot:]) && !isSample(name[:dot])
}

var (
	secretEndings = []string{".env", ".jks", ".kdbx", ".key", ".keystore", ".p12", ".pem", ".pfx", ".ppk"}
	secretNames   = []string{
		".git-credentials", ".htpasswd", ".netrc", ".pgpass", ".pypirc", ".vault-token",
		"client_secret.json", "credentials.json", "kubeconfig", "secrets.toml", "service-account.json", "service_account.json", "terraform.tfstate",
	}
)

// isSample reports whether a name says that it shows the form and holds nothing.
func isSample(name string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(".-_", r) }), func(part string) bool {
		return slices.Contains([]string{"default", "defaults", "dist", "example", "examples", "sample", "samples", "schema", "template", "tmpl", "tpl"}, part)
	})
}

const maxKey = 1 << 20

// isPublicKey reports whether a file holds certificates or public keys and no
// secret, as the lists of trusted authorities that many packages bring.
func isPublicKey(d disk.Directory, name string) bool {
	if lower := strings.ToLower(name); !strings.HasSuffix(lower, ".pem") && !strings.HasSuffix(lower, ".key") {
		return false
	}
	data, err := d.ReadSmall(name, maxKey)
	if err != nil || bytes.Contains(data, []byte("PRIVATE KEY")) {
		return false
	}
	for _, public := range []string{"-----BEGIN CERTIFICATE", "-----BEGIN TRUSTED CERTIFICATE", "-----BEGIN PUBLIC KEY", "-----BEGIN RSA PUBLIC KEY", "-----BEGIN X509 CRL", "-----BEGIN DH PARAMETERS"} {
		if bytes.Contains(data, []byte(public)) {
			return true
		}
	}
	return false
}
