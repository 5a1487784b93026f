package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// webServer is nginx, serving a folder over TLS 1.3.
type webServer struct {
	*process
	url  string
	cert string
}

const nginxConfig = `%sdaemon off;
pid %[2]s/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {}
http {
  access_log off;
  client_body_temp_path %[2]s/t1; proxy_temp_path %[2]s/t2; fastcgi_temp_path %[2]s/t3;
  uwsgi_temp_path %[2]s/t4; scgi_temp_path %[2]s/t5;
  sendfile on;
  server {
    listen 127.0.0.1:%[3]d ssl;
    ssl_certificate %[2]s/cert.pem;
    ssl_certificate_key %[2]s/key.pem;
    ssl_protocols TLSv1.3;
    root %[4]s;
  }
}
`

// startNginx serves root; dir is for its own files.
func startNginx(ctx context.Context, nginx, dir, root string) (*webServer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := writeCertificate(dir); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n" // otherwise its worker can't read the files of the benchmark
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, user, dir, port, root), 0o600); err != nil {
		return nil, err
	}
	p, err := start("nginx", nginx, "-c", config, "-p", dir, "-e", "stderr")
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, func() error { return answers(port) }); err != nil {
		p.stop()
		return nil, err
	}
	return &webServer{process: p, url: fmt.Sprintf("https://localhost:%d/", port), cert: filepath.Join(dir, "cert.pem")}, nil
}

// cpu is the processor time of the workers.
func (w *webServer) cpu() (sum time.Duration) {
	for _, pid := range childrenOf(w.process.cmd.Process.Pid) {
		sum += cpuOf(pid)
	}
	return sum
}

// fetch downloads a file with curl.
func (w *webServer) fetch(ctx context.Context, curl, name, to string) (ran, error) {
	return command(ctx, curl, "-sS", "--fail", "--tlsv1.3", "--cacert", w.cert, "-o", to, w.url+name)
}

// writeCertificate makes a certificate for localhost, and its key.
func writeCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// startRsync serves root with an rsync daemon, without encryption.
func startRsync(ctx context.Context, rsync, dir, root string) (*process, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	config := filepath.Join(dir, "rsyncd.conf")
	lines := []string{"use chroot = no", "[bench]", "path = " + root, "read only = yes"}
	if os.Geteuid() == 0 {
		lines = append([]string{"uid = root", "gid = root"}, lines...)
	}
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, "", err
	}
	p, err := start("rsync", rsync, "--daemon", "--no-detach", "--config", config, "--address", "127.0.0.1", "--port", fmt.Sprint(port))
	if err != nil {
		return nil, "", err
	}
	if err := p.await(ctx, func() error { return answers(port) }); err != nil {
		p.stop()
		return nil, "", err
	}
	return p, fmt.Sprintf("rsync://127.0.0.1:%d/bench/", port), nil
}
