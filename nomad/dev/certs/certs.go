// Package certs makes two local certificate authorities: that of the cluster's
// domain, which people trust, and that of Nomad's agents, which only they do.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

const (
	caLife   = 10 * 365 * 24 * time.Hour
	certLife = 397 * 24 * time.Hour // the most that browsers accept
	renewAt  = 30 * 24 * time.Hour
	backdate = time.Hour // for clocks that are a little behind
)

// Files are the PEM files of a directory.
type Files struct{ CA, CAKey, Cert, Key string }

// In names the files below dir.
func In(dir string) Files { return files(dir, "cert.pem", "key.pem") }

func files(dir, cert, key string) Files {
	return Files{
		CA: filepath.Join(dir, "ca.pem"), CAKey: filepath.Join(dir, "ca-key.pem"),
		Cert: filepath.Join(dir, cert), Key: filepath.Join(dir, key),
	}
}

// kind is what a certificate is for, and the authority that signs it.
type kind struct {
	authority string
	// permitted are the domains for which the authority may sign, so that a stolen
	// key of it is worth little elsewhere.
	permitted []string
	names     []string
	usages    []x509.ExtKeyUsage
}

// Ensure makes what is missing or near its end below dir: an authority, and a
// certificate of domain and every name directly below it.
func Ensure(dir, domain string, now time.Time) (Files, error) {
	f := In(dir)
	return f, f.ensure(kind{
		authority: "fngen local authority", permitted: []string{"localhost"},
		names: []string{domain, "*." + domain}, usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, now)
}

// Roles of a Nomad agent towards the others. A client must not be taken for a server.
const (
	NomadServer = "server"
	NomadClient = "client"
)

// NomadIn names the files of a role below dir.
func NomadIn(dir, role string) Files { return files(dir, role+".pem", role+"-key.pem") }

// Nomad makes what is missing or near its end below dir: an authority that signs
// nothing but agents of Nomad, and the certificate of a role.
func Nomad(dir, role string, now time.Time) (Files, error) {
	f := NomadIn(dir, role)
	return f, f.ensure(kind{
		authority: "fngen authority for nomad", permitted: []string{"global.nomad"},
		names:  []string{role + ".global.nomad"}, // the name that verify_server_hostname asks for
		usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, now)
}

func (f Files) ensure(k kind, now time.Time) error {
	if err := os.MkdirAll(filepath.Dir(f.CA), 0o700); err != nil {
		return fmt.Errorf("create %s: %w", filepath.Dir(f.CA), err)
	}
	ca, caKey, err := load(f.CA, f.CAKey)
	if err != nil || now.Add(certLife).After(ca.NotAfter) {
		if ca, caKey, err = makeCA(f, k, now); err != nil {
			return err
		}
	}
	cert, _, err := load(f.Cert, f.Key)
	if err == nil && cert.CheckSignatureFrom(ca) == nil && cert.VerifyHostname(k.names[0]) == nil &&
		now.Add(renewAt).Before(cert.NotAfter) {
		return nil
	}
	return makeCert(f, k, ca, caKey, now)
}

func makeCA(f Files, k kind, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	return issue(f.CA, f.CAKey, &x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"fngen"}, CommonName: k.authority},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage:                    x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: k.permitted,
	}, nil, nil)
}

func makeCert(f Files, k kind, ca *x509.Certificate, caKey *ecdsa.PrivateKey, now time.Time) error {
	_, _, err := issue(f.Cert, f.Key, &x509.Certificate{
		Subject:   pkix.Name{CommonName: k.names[0]},
		DNSNames:  k.names,
		NotBefore: now.Add(-backdate), NotAfter: now.Add(certLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: k.usages,
	}, ca, caKey)
	return err
}

// issue signs with the parent, or by itself without one, and writes both files.
func issue(certFile, keyFile string, tmpl, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make key: %w", err)
	}
	if parent == nil {
		parent, signer = tmpl, key
	}
	if tmpl.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, nil, fmt.Errorf("make serial number: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		return nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode key: %w", err)
	}
	if err := writePEM(keyFile, "PRIVATE KEY", keyDER, 0o600); err != nil {
		return nil, nil, err
	}
	if err := writePEM(certFile, "CERTIFICATE", der, 0o644); err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp, path)
}

func load(certFile, keyFile string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certPEM, err := readPEM(certFile)
	if err != nil {
		return nil, nil, err
	}
	keyPEM, err := readPEM(keyFile)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(certPEM)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", certFile, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(keyPEM)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", keyFile, err)
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok || !ec.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, errors.New("key and certificate do not belong together")
	}
	return cert, ec, nil
}

func readPEM(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("read %s: no PEM block", path)
	}
	return block.Bytes, nil
}
