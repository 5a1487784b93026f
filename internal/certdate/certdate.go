// Package certdate keeps the dates of TLS certificates from deciding who can connect: it makes
// certificates that are valid by any clock, and recognizes a refusal because of a date.
//
// It opens no connection and keeps no state. It starts no goroutine and takes no lock.
package certdate

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Template returns the template of a host's TLS certificate, for TCP and QUIC. libp2p's own begins
// an hour before it is made: a peer whose clock is further behind refuses it. The certificate binds
// a key that lives as long as the process to the host's identity, so its dates protect nothing:
// these are valid by any clock. Each identity needs a template of its own, because libp2p adds to
// it.
func Template() (*x509.Certificate, error) {
	number := func() (*big.Int, error) { return rand.Int(rand.Reader, big.NewInt(1<<62)) }
	serial, err := number()
	if err != nil {
		return nil, err
	}
	subject, err := number()
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{SerialNumber: subject.String()},
		NotBefore:    time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // none, by RFC 5280
	}, nil
}

// Invalid reports whether err is, or sums up, that a peer's certificate is not valid by this
// machine's clock. libp2p passes the reason on as text only.
func Invalid(err error) bool {
	return err != nil && strings.Contains(err.Error(), "certificate has expired or is not yet valid")
}

// Explain returns what is wrong when Invalid reports true, and what to do.
func Explain() string {
	return fmt.Sprintf("its certificate is not valid by this machine's clock, which shows %s: set the clock that is wrong, here or there",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"))
}
