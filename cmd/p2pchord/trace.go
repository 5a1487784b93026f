package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func (a *app) traceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "trace NAME",
		Short: "Follow the way to a file, and ask everybody who holds it",
		Long: `Follow the way to a file. First the ordinary lookup, which peers pass on among themselves; then
the same step by step, asking each peer on the way from here; then what the owner and each
other holder says that it has of the file. For each: the path there, direct or
through a relay, and the time it took, connecting included.

A name that no file has is followed as well; the exit code is 3 then.`,
		Example: example("p2pchord trace holiday.jpg", "p2pchord trace holiday.jpg --json"),
		Args:    exactly(1, "one NAME"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.trace(cmd, args[0]) },
	}
}

func (a *app) trace(cmd *cobra.Command, name string) error {
	if err := node.ValidName(name); err != nil {
		return err
	}
	r, err := a.openRing(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // nothing was changed
	t, err := r.Trace(cmd.Context(), name)
	if err != nil {
		return err
	}
	a.out.EndProgress()
	if a.json {
		t.Missing, t.Unchecked = nonNil(t.Missing), nonNil(t.Unchecked)
		a.out.Object(t)
	} else {
		a.out.Page(traceText(t))
	}
	switch {
	case t.Error != "":
		return fault.New(fault.TryAgain, "the owner of %s gave no answer: %s", name, t.Error)
	case t.File == nil:
		return fault.New(fault.NotFound, "%q is not in the ring", name)
	}
	return nil
}

func traceText(t node.Trace) *textfmt.Page {
	var b textfmt.Page
	b.Printf("%s  key %d\n", t.Name, t.Key)
	var path []string
	for _, h := range t.Lookup.Path {
		path = append(path, textfmt.ShortID(h.PeerID))
	}
	way := strings.Join(path, " > ")
	if t.Lookup.Error != "" {
		way = "failed: " + t.Lookup.Error
	}
	b.Printf("lookup  %s  %s\n", textfmt.Latency(t.Lookup.MS), way)
	var rows [][]string
	for i, h := range t.Hops {
		answer := map[string]string{
			node.AnswerOwner: "is the owner", node.AnswerNearer: "names peers nearer to the key", node.AnswerNone: "no answer",
		}[h.Answer]
		rows = append(rows, traceRow(fmt.Sprintf("hop %d", i), h.TracePeer, answer))
	}
	for _, h := range t.Holders {
		rows = append(rows, traceRow(h.Role, h.TracePeer, holderText(t, h)))
	}
	b.Add(textfmt.Table(rows))
	if t.File != nil {
		b.Printf("file    %s, version %s, hash %s", textfmt.Size(t.File.Size), t.File.Version, t.File.Hash)
	}
	for _, line := range missingText(t.Missing, t.Unchecked) {
		b.Printf("\nmissing %s", line)
	}
	return &b
}

func traceRow(label string, p node.TracePeer, answer string) []string {
	way := "this peer"
	switch p.Path {
	case node.PathSelf:
	case "":
		way = "no connection"
	default:
		way = pathText(p.Path, p.Via) + " " + p.Transport
	}
	if p.Error != "" {
		answer += ": " + p.Error
	}
	return []string{label, peerText(p.PeerID, p.RingAddress), fmt.Sprint(p.Key), way, textfmt.Latency(p.MS), answer}
}

// holderText is what a holder says.
func holderText(t node.Trace, h node.TraceHolder) string {
	switch h.Has {
	case node.HasComplete:
		return "has it, complete"
	case node.HasIncomplete:
		return "has its description and first block"
	case node.HasRecord:
		return "has its description, and fetches the bytes"
	case node.HasOther:
		if t.File == nil {
			return "has version " + h.Version
		}
		return "has another version only: " + h.Version
	case node.HasNothing:
		return "has nothing of it"
	}
	return "no answer"
}
