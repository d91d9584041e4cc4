package certs

import (
	"crypto/x509"
	"os"
	"testing"
	"time"
)

func TestEnsure(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	f, err := Ensure(dir, "fngen.localhost", now)
	if err != nil {
		t.Fatal(err)
	}
	verify(t, f, "hello.fngen.localhost", now)
	verify(t, f, "fngen.localhost", now)
	if info, err := os.Stat(f.Key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the key: %v, %v", info.Mode(), err)
	}

	ca, cert := read(t, f.CA), read(t, f.Cert)
	if _, err := Ensure(dir, "fngen.localhost", now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if read(t, f.CA) != ca || read(t, f.Cert) != cert {
		t.Error("a good certificate was made again")
	}

	later := now.Add(certLife - renewAt + time.Hour)
	if _, err := Ensure(dir, "fngen.localhost", later); err != nil {
		t.Fatal(err)
	}
	if read(t, f.CA) != ca || read(t, f.Cert) == cert {
		t.Error("near its end the certificate, and only it, is made again")
	}
	verify(t, f, "hello.fngen.localhost", later)

	if _, err := Ensure(dir, "other.localhost", later); err != nil {
		t.Fatal(err)
	}
	verify(t, f, "hello.other.localhost", later)
}

// A client's certificate is good for a client and nothing else, and the two
// authorities do not sign for each other.
func TestNomad(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	for _, role := range []string{NomadServer, NomadClient} {
		f, err := Nomad(dir, role, now)
		if err != nil {
			t.Fatal(err)
		}
		verify(t, f, role+".global.nomad", now)
	}
	client, _, err := load(NomadIn(dir, NomadClient).Cert, NomadIn(dir, NomadClient).Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.VerifyHostname("server.global.nomad"); err == nil {
		t.Error("a client is taken for a server")
	}
	domain, err := Ensure(t.TempDir(), "fngen.localhost", now)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(read(t, domain.CA)))
	if _, err := client.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err == nil {
		t.Error("the authority of the domain is one of Nomad's agents")
	}
}

func verify(t *testing.T, f Files, name string, at time.Time) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(read(t, f.CA)))
	cert, _, err := load(f.Cert, f.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: at}); err != nil {
		t.Errorf("verify %s: %v", name, err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
