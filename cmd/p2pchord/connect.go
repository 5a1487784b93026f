package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/flags"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/prompt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/gateway/client"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// askRing opens the ring for a verb that only asks about one name, and returns the answer.
func askRing[T any](a *app, cmd *cobra.Command, name string, question func(gateway.Ring, context.Context, string) (T, error)) (answer T, err error) {
	if err := node.ValidName(name); err != nil {
		return answer, err
	}
	r, err := a.openRing(cmd)
	if err != nil {
		return answer, err
	}
	defer func() { _ = r.Close() }() // nothing was changed
	return question(r, cmd.Context(), name)
}

// openRing returns what a verb works on: the running node of --data or --api, or else, with
// --bootstrap, a passing client.
func (a *app) openRing(cmd *cobra.Command) (gateway.Ring, error) {
	ctx := cmd.Context()
	up, down, err := a.limits.Parse()
	if err != nil {
		return nil, err
	}
	if a.peer != nil {
		a.noteNodeLimits(up, down)
		return keptRing{a.peer}, nil
	}
	addrs, err := flags.Multiaddrs("--bootstrap", a.bootstrap, true)
	if err != nil {
		return nil, err
	}
	p, err := a.dialNode(ctx, cmd)
	if err == nil {
		a.noteNodeLimits(up, down)
	}
	if err == nil || fault.CodeOf(err) != fault.Unreachable {
		return ringOrNil(p), err
	}
	data, kept, kerr := a.joinedFolder()
	if kerr != nil {
		return nil, kerr
	}
	if len(addrs) == 0 {
		addrs = kept
	}
	if len(addrs) == 0 {
		return nil, err
	}
	a.out.StartProgress("connecting", -1, 1)
	c, err := node.Dial(ctx, node.ClientConfig{Bootstrap: addrs, Data: data, Timeout: a.timeout, LimitUp: up, LimitDown: down})
	if err != nil {
		return nil, err
	}
	return gateway.OfClient(c), nil
}

// noteNodeLimits says that the limits of a put or a get don't apply to a running node.
func (a *app) noteNodeLimits(up, down int64) {
	if up > 0 || down > 0 {
		a.out.Say("the running node has its own limits: --limit-up and --limit-down apply to a put or a get without a node")
	}
}

// openNode returns the running node of --data or --api.
func (a *app) openNode(cmd *cobra.Command) (gateway.Peer, error) {
	if p, ok := a.peer.(gateway.Peer); ok {
		return keptNode{p}, nil
	}
	if a.peer != nil {
		return nil, fault.New(fault.Unreachable, "%s needs a running node: start one with `p2pchord node`, and leave --bootstrap out", cmd.Name())
	}
	p, err := a.dialNode(cmd.Context(), cmd)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (a *app) dialNode(ctx context.Context, cmd *cobra.Command) (*client.Client, error) {
	socket := a.api
	if socket == "" {
		data, err := a.dataFolder("node")
		if err != nil && len(a.bootstrap) > 0 {
			// Without a data folder no node can run.
			return nil, fault.New(fault.Unreachable, "%w", err)
		}
		if err != nil {
			return nil, err
		}
		socket = filepath.Join(data, gateway.SocketName)
	}
	idle := a.timeout
	if !cmd.Flags().Changed("timeout") {
		idle = 0 // the node keeps its own
	}
	return client.Dial(ctx, socket, idle)
}

// ringOrNil returns a nil Ring for a nil client.
func ringOrNil(c *client.Client) gateway.Ring {
	if c == nil {
		return nil
	}
	return c
}

// What a prompt or a script works on. A verb must not close it.
type (
	keptRing struct{ gateway.Ring }
	keptNode struct{ gateway.Peer }
)

func (keptRing) Close() error { return nil }
func (keptNode) Close() error { return nil }

// newPrompt returns a prompt on p, with the history of the data folder.
func (a *app) newPrompt(in *os.File, p gateway.Peer) *prompt.Prompt {
	return prompt.New(prompt.Config{
		In: in, Out: a.out, Peer: p, Signals: a.signals, History: a.historyFile(),
		Execute: func(ctx context.Context, words []string) (bool, error) {
			code, departed := a.carryOut(ctx, p, words)
			if code == "" {
				return departed, nil
			}
			return departed, errReported{code}
		},
	})
}
