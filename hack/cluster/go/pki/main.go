// Command pki makes the keys of one local cluster: pki FOLDER ADDRESS...
//
// Every part of the cluster trusts the one authority made here and nothing else, and the
// authority's own key is thrown away at once: nobody can sign a further certificate later.
// server.* proves to clients that they speak with the cluster at one of the ADDRESSes,
// client.* proves that the API server is who asks, sa.* signs the tokens of service accounts.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const lifetime = 10 * 365 * 24 * time.Hour

type signer struct {
	folder       string
	authority    *x509.Certificate
	authorityKey *ecdsa.PrivateKey
}

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: pki FOLDER ADDRESS..."))
	}
	s := newSigner(os.Args[1])
	server := leaf("publishbuild-local", "")
	for _, address := range os.Args[2:] {
		if ip := net.ParseIP(address); ip != nil {
			server.IPAddresses = append(server.IPAddresses, ip)
		} else {
			server.DNSNames = append(server.DNSNames, address)
		}
	}
	// etcd shows the certificate that it serves with to itself, as a client too.
	server.ExtKeyUsage = append(server.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	s.issue("server", server)
	s.issue("client", leaf("kube-apiserver", "system:masters"))
	s.serviceAccountKey()
}

func newSigner(folder string) *signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fail(err)
	authority := leaf("publishbuild-local-ca", "")
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage, authority.ExtKeyUsage = x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature, nil
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, key.Public(), key)
	fail(err)
	authority, err = x509.ParseCertificate(der)
	fail(err)
	s := &signer{folder: folder, authority: authority, authorityKey: key}
	s.write("ca.crt", "CERTIFICATE", der)
	return s
}

func leaf(name, group string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	fail(err)
	subject := pkix.Name{CommonName: name}
	if group != "" {
		subject.Organization = []string{group}
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    time.Now().Add(-time.Hour), // clocks that were set back do not matter
		NotAfter:     time.Now().Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

func (s *signer) issue(name string, certificate *x509.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fail(err)
	der, err := x509.CreateCertificate(rand.Reader, certificate, s.authority, key.Public(), s.authorityKey)
	fail(err)
	s.write(name+".crt", "CERTIFICATE", der)
	s.writeKey(name+".key", key)
}

func (s *signer) serviceAccountKey() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	fail(err)
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	fail(err)
	s.write("sa.pub", "PUBLIC KEY", public)
	s.writeKey("sa.key", key)
}

func (s *signer) writeKey(name string, key any) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	fail(err)
	s.write(name, "PRIVATE KEY", der)
}

func (s *signer) write(name, kind string, der []byte) {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	fail(os.WriteFile(filepath.Join(s.folder, name), text, 0o600))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "pki:", err)
		os.Exit(1)
	}
}
