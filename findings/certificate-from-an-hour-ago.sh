#!/usr/bin/env bash
# go-libp2p v0.51.0, Go 1.26.8, 2026-11-28
# The TLS certificate of a host, which QUIC uses too, begins one hour before the host's start. A
# peer whose clock is slower than that refuses it, until the other has run long enough. The clocks
# here are those of testing/synctest.
#
# Seen:
#   a clock 50 minutes slow judges the certificate of a peer that has just started: <nil>
#   a clock 2 hours slow: certificate verification failed: x509: certificate has expired or is not yet valid: current time 2000-01-01T00:00:00Z is before 2000-01-01T01:00:00Z
. "$(dirname "$0")/lib.sh"

cat >clock_test.go <<'GO'
package main

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
)

// Each bubble's clock begins at midnight, 2000-01-01. A peer that starts there after a while makes its
// certificate; one whose clock is slow by that while judges it in a bubble of its own.
func judge(t *testing.T, slow time.Duration) (err error) {
	var cert []byte
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(slow)
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		id, err := libp2ptls.NewIdentity(key)
		if err != nil {
			t.Fatal(err)
		}
		conf, _ := id.ConfigForPeer("")
		cert = conf.Certificates[0].Certificate[0]
	})
	synctest.Test(t, func(t *testing.T) {
		c, perr := x509.ParseCertificate(cert)
		if perr != nil {
			t.Fatal(perr)
		}
		_, err = libp2ptls.PubKeyFromCertChain([]*x509.Certificate{c})
	})
	return err
}

func TestSlowClock(t *testing.T) {
	some, much := judge(t, 50*time.Minute), judge(t, 2*time.Hour)
	fmt.Println("a clock 50 minutes slow judges the certificate of a peer that has just started:", some)
	fmt.Println("a clock 2 hours slow:", much)
	if some != nil || much == nil {
		t.Fail()
	}
}
GO
echo 'package main; func main() {}' >main.go
go_program github.com/libp2p/go-libp2p@v0.51.0
status=0
go test . -v >out 2>&1 || status=$?
grep '^a clock' out || { cat out; status=2; }
verdict $status
