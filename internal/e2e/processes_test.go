package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/gateway/client"
)

// program is the binary under test, built once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "p2pchord-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "p2pchord")
	out, err := exec.Command("go", "build", "-o", path, "github.com/p2pchord/p2pchord/cmd/p2pchord").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := program(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// process is one running p2pchord.
type process struct {
	t       *testing.T
	cmd     *exec.Cmd
	data    string
	address string // the ring address of a node
	addrs   []string
	output  bytes.Buffer
	ended   chan struct{}
	err     error

	mu     sync.Mutex
	client *client.Client // of api
}

// startProcess runs p2pchord with a data folder and waits until it is ready to serve.
func startProcess(t *testing.T, data string, args ...string) *process {
	t.Helper()
	return startProcessIn(t, "", data, args...)
}

// startProcessIn does so in a network namespace, if one is named.
func startProcessIn(t *testing.T, netns, data string, args ...string) *process {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, data: data, ended: make(chan struct{})}
	addrFile := filepath.Join(t.TempDir(), "addrs")
	command := append([]string{path}, append(args, "--data", data, "--addr-file", addrFile)...)
	if netns != "" {
		// ip execs the program
		command = append([]string{"ip", "netns", "exec", netns}, command...)
	}
	p.cmd = exec.Command(command[0], command[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.ended
		if t.Failed() {
			t.Logf("%s %s:\n%s", filepath.Base(data), p.address, tail(p.output.String()))
		}
	})
	waitFor(t, "the process is ready", func() error {
		select {
		case <-p.ended:
			return fmt.Errorf("it ended: %w", p.err)
		default:
		}
		raw, err := os.ReadFile(addrFile)
		if err != nil {
			return err
		}
		p.addrs = strings.Fields(string(raw))
		if len(p.addrs) == 0 {
			return errors.New("the address file is empty")
		}
		return nil
	})
	return p
}

func tail(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

func (p *process) signal(s os.Signal) {
	select {
	case <-p.ended:
	default:
		_ = p.cmd.Process.Signal(s) // it may end meanwhile
	}
}

// kill ends the process without a warning.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// api is a client of a node's socket.
func (p *process) api() *client.Client {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		return p.client
	}
	c, err := client.Dial(p.t.Context(), filepath.Join(p.data, "api.sock"), time.Minute)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.Close() })
	p.client = c
	return c
}

// run runs a verb and returns what it wrote and its exit code.
func run(t *testing.T, stdin []byte, args ...string) (stdout, stderr []byte, code int) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &errs
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return out.Bytes(), errs.Bytes(), cmd.ProcessState.ExitCode()
}

// must runs a verb that has to succeed.
func must(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	out, errs, code := run(t, stdin, args...)
	if code != 0 {
		t.Fatalf("p2pchord %s: exit %d: %s", strings.Join(args, " "), code, errs)
	}
	return out
}

// waitFor waits for a condition. If it doesn't come, the test fails with the last error.
func waitFor(t *testing.T, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	var err error
	for time.Now().Before(deadline) {
		if err = check(); err == nil {
			return
		}
		<-ticker.C
	}
	t.Fatalf("%s: not in time: %v", what, err)
}
