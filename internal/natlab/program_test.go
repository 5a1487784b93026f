//go:build linux

package natlab

import (
	"bytes"
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

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/gateway/client"
	"github.com/p2pchord/p2pchord/node"
)

// program is the program itself, built once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "natlab-")
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
	if os.Getenv(EnvName) != "" {
		if path, err := program(); err == nil {
			_ = os.RemoveAll(filepath.Dir(path))
		}
	}
	os.Exit(code)
}

// patience bounds the wait for a condition.
const patience = 2 * time.Minute

// process is the program on one machine.
type process struct {
	t      *testing.T
	host   *Host
	data   string
	args   []string
	addrs  []string
	joined time.Duration // from the start until it was ready to serve

	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{}
}

// start runs the program and waits until it is ready.
func start(t *testing.T, h *Host, args ...string) *process {
	t.Helper()
	p := launch(t, h, args...)
	p.ready()
	return p
}

// launch runs the program with a data folder of its own.
func launch(t *testing.T, h *Host, args ...string) *process {
	t.Helper()
	return launchIn(t, newFolder(t), h, args...)
}

// newFolder makes a data folder.
func newFolder(t *testing.T) string {
	t.Helper()
	data, err := os.MkdirTemp("", "nl-") // t.TempDir's names are too long for a socket's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	return data
}

// launchIn runs the program with a data folder.
func launchIn(t *testing.T, data string, h *Host, args ...string) *process {
	t.Helper()
	p := &process{t: t, host: h, data: data, args: args}
	var err error
	p.log, err = os.Create(filepath.Join(data, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if keep := os.Getenv("P2PCHORD_NATLAB_LOGS"); keep != "" {
			_ = os.Rename(p.log.Name(), filepath.Join(keep, strings.ReplaceAll(t.Name(), "/", "-")+"-"+filepath.Base(h.ns)+".log"))
		}
		if t.Failed() {
			raw, _ := os.ReadFile(p.log.Name())
			t.Logf("%s %s:\n%s", h.ns, args[0], tail(withoutAddrs(string(raw)), 12))
		}
		_ = p.log.Close()
	})
	p.begin()
	return p
}

// begin starts the process. It may be called again after the process has ended.
func (p *process) begin() {
	p.t.Helper()
	path, err := program()
	if err != nil {
		p.t.Fatal(err)
	}
	_ = os.Remove(p.addrFile())
	p.cmd = p.host.Command(path, append(p.args, "--data", p.data, "--addr-file", p.addrFile())...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if level := os.Getenv("P2PCHORD_NATLAB_LEVEL"); level != "" {
		p.cmd.Args = append(p.cmd.Args, "--log-level", level)
	}
	ended := make(chan struct{})
	p.ended = ended
	began := time.Now()
	p.joined = -time.Duration(began.UnixNano())
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait() // how it ended is in its log
		close(ended)
	}(p.cmd)
}

func (p *process) addrFile() string { return filepath.Join(p.data, "addrs") }

// ready waits until the process reports that it serves.
func (p *process) ready() {
	p.t.Helper()
	p.within(patience, "ready", func() error {
		raw, err := os.ReadFile(p.addrFile())
		if err != nil {
			select {
			case <-p.ended:
				p.t.Fatalf("%s ended before it was ready", p.host.ns)
			default:
			}
			return err
		}
		p.addrs = strings.Fields(string(raw))
		if p.joined < 0 {
			p.joined = time.Duration(time.Now().UnixNano()) + p.joined
		}
		return nil
	})
}

func (p *process) signal(s os.Signal) {
	select {
	case <-p.ended:
	default:
		_ = p.cmd.Process.Signal(s) // it may end meanwhile
	}
}

func (p *process) kill() {
	p.signal(syscall.SIGCONT)
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// restart kills the process and starts it again with the same folder and arguments.
func (p *process) restart() {
	p.t.Helper()
	p.kill()
	p.begin()
	p.ready()
}

// api is a client of a node's socket.
func (p *process) api() *client.Client {
	p.t.Helper()
	c, err := client.Dial(p.t.Context(), filepath.Join(p.data, gateway.SocketName), time.Minute)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (p *process) status() (node.Status, error) {
	c, err := client.Dial(p.t.Context(), filepath.Join(p.data, gateway.SocketName), 10*time.Second)
	if err != nil {
		return node.Status{}, err
	}
	defer func() { _ = c.Close() }()
	return c.Health(p.t.Context())
}

// verb runs a verb against the node and returns its output.
func (p *process) verb(args ...string) (out, errs string, err error) {
	p.t.Helper()
	path, err := program()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(p.t.Context(), path, append(args, "--data", p.data)...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("p2pchord %s: %w: %s", strings.Join(args, " "), err, tail(e.String(), 3))
	}
	return o.String(), e.String(), err
}

// within waits for a condition and returns how long that took. If it doesn't come, the test fails
// with the last error.
func (p *process) within(limit time.Duration, what string, check func() error) time.Duration {
	p.t.Helper()
	return within(p.t, limit, what+" at "+p.host.ns, check)
}

func within(t *testing.T, limit time.Duration, what string, check func() error) time.Duration {
	t.Helper()
	began := time.Now()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	err := errors.New("not tried")
	for time.Since(began) < limit {
		if err = check(); err == nil {
			return time.Since(began)
		}
		<-ticker.C
	}
	t.Fatalf("%s: not within %s: %v", what, limit, err)
	return 0
}

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// withoutAddrs leaves out the addresses that the program prints when it starts.
func withoutAddrs(log string) string {
	var out strings.Builder
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "/ip") {
			out.WriteString(line)
		}
	}
	return out.String()
}
