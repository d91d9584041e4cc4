// Package certs makes the local certificate authority and the certificate of
// the cluster's domain.
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
func In(dir string) Files {
	return Files{
		CA: filepath.Join(dir, "ca.pem"), CAKey: filepath.Join(dir, "ca-key.pem"),
		Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"),
	}
}

// Ensure makes what is missing or near its end below dir: an authority, and a
// certificate of domain and every name directly below it.
func Ensure(dir, domain string, now time.Time) (Files, error) {
	f := In(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return f, fmt.Errorf("create %s: %w", dir, err)
	}
	ca, caKey, err := load(f.CA, f.CAKey)
	if err != nil || now.Add(certLife).After(ca.NotAfter) {
		if ca, caKey, err = makeCA(f, now); err != nil {
			return f, err
		}
	}
	cert, _, err := load(f.Cert, f.Key)
	if err == nil && cert.CheckSignatureFrom(ca) == nil && cert.VerifyHostname(domain) == nil &&
		now.Add(renewAt).Before(cert.NotAfter) {
		return f, nil
	}
	return f, makeCert(f, ca, caKey, domain, now)
}

func makeCA(f Files, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	return issue(f.CA, f.CAKey, &x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"fngen"}, CommonName: "fngen local authority"},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		// A stolen key signs nothing but names of this machine.
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{"localhost"},
	}, nil, nil)
}

func makeCert(f Files, ca *x509.Certificate, caKey *ecdsa.PrivateKey, domain string, now time.Time) error {
	_, _, err := issue(f.Cert, f.Key, &x509.Certificate{
		Subject:   pkix.Name{CommonName: domain},
		DNSNames:  []string{domain, "*." + domain},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(certLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
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
