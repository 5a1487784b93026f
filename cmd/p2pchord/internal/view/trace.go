package view

import (
	"fmt"
	"strings"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/node"
)

// Trace shows the way to a file, and what its holders have.
func Trace(t node.Trace) *textfmt.Page {
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
		return "has its record and first block"
	case node.HasRecord:
		return "has its record, and is fetching the bytes"
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
