package demo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// process is a p2pchord of the demo.
type process struct {
	cmd    *exec.Cmd
	addr   string        // its first address, once it is ready
	log    string        // the file of its stderr
	exited chan struct{} // closed when it has ended
}

// run starts this program once more, with a data folder called name.
func (d *demo) run(name string, args ...string) (*process, error) {
	args = append(args, "--data", filepath.Join(d.dir, name), "--addr-file", filepath.Join(d.dir, name+".addr"))
	// Its life is the demo's: cleanUp ends it, also when the demo is interrupted.
	cmd, err := d.command(context.Background(), args...)
	if err != nil {
		return nil, err
	}
	log := filepath.Join(d.dir, name+".log")
	out, err := os.Create(log)
	if err != nil {
		return nil, fault.New(fault.Failed, "can't write the demo's files: %w", err)
	}
	defer func() { _ = out.Close() }() // the process has its own
	cmd.Stdout, cmd.Stderr = out, out
	detach(cmd, d.keep)
	if err := cmd.Start(); err != nil {
		return nil, fault.New(fault.Failed, "can't start %s: %w", cmd.Path, err)
	}
	p := &process{cmd: cmd, log: log, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // how it ended is in its log
	}()
	return p, nil
}

// command is this program once more. The user's settings don't apply to it.
func (d *demo) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fault.New(fault.Failed, "can't find this program: %w", err)
	}
	none := filepath.Join(d.dir, "config.toml")
	if err := os.WriteFile(none, nil, 0o600); err != nil {
		return nil, fault.New(fault.Failed, "can't write the demo's files: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, append(args, "--config", none)...) //nolint:gosec // this very program
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "P2PCHORD_") })
	return cmd, nil
}

// await waits until a process is ready.
func (d *demo) await(ctx context.Context, p *process, name string) error {
	var dead error
	err := d.until(ctx, func() error {
		b, err := os.ReadFile(filepath.Join(d.dir, name+".addr"))
		if err == nil {
			p.addr, _, _ = strings.Cut(string(b), "\n")
			return nil
		}
		select {
		case <-p.exited:
			log, _ := os.ReadFile(p.log) // without it the error says less
			dead = fault.New(fault.Failed, "%s ended before it was ready: %s", name, lastLine(log))
			return nil
		default:
		}
		return fault.New(fault.TryAgain, "%s is not ready", name)
	})
	return errors.Join(err, dead)
}

func lastLine(log []byte) string {
	log = bytes.TrimSpace(log)
	return string(log[bytes.LastIndexByte(log, '\n')+1:])
}

// kill ends a process as a crash would, and waits until it has ended.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.exited
}
