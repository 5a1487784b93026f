package view

import (
	"fmt"
	"strings"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/node"
)

// namesShown is the limit of file names in a line of the status.
const namesShown = 8

// Status shows the status of a node. Its first five lines are a contract.
func Status(s node.Status) *textfmt.Page {
	var b textfmt.Page
	row := func(label, format string, args ...any) {
		b.Printf("%s: %s\n", label, fmt.Sprintf(format, args...))
	}
	row("Node Key", "%d", s.Key)
	row("Successor", "%s", neighborText(s, &s.Successor))
	row("Predecessor", "%s", neighborText(s, s.Predecessor))
	row("Files", "%s", filesText(s.Files))
	row("Backup Files", "%s", filesText(s.BackupFiles))
	row("Peer ID", "%s", s.PeerID)
	if s.RingAddress != "" {
		row("Ring Address", "%s", s.RingAddress)
	}
	row("State", "%s", s.State)
	row("Arc", "%s", arcText(s.Arc))
	row("Copies", "%s", copiesText(s))
	var next []string
	for _, m := range s.Successors {
		next = append(next, fmt.Sprintf("%d (%s, %s)", m.Key, textfmt.ShortID(m.PeerID), successorPath(m)))
	}
	row("Successors", "%s", orNone(strings.Join(next, ", ")))
	limit := "no limit but the disk's"
	if s.Storage.CapacityBytes > 0 {
		limit = "of " + textfmt.Size(s.Storage.CapacityBytes)
	}
	row("Storage", "%s used, %s; %s free on the disk", textfmt.Size(s.Storage.UsedBytes), limit, textfmt.Size(s.Storage.FreeDiskBytes))
	row("Network", "%s, %s direct, %d relayed", s.Network.Reachability, textfmt.Count(s.Network.DirectPeers, "peer", "peers"), s.Network.RelayedPeers)
	row("Access", "%s", accessText(s.Network))
	for _, c := range s.Bootstrap {
		state := "connected"
		if !c.Connected {
			state = "not connected"
		}
		row("Bootstrap", "%s, %s", c.Addr, state)
	}
	for _, addr := range s.Addrs {
		row("Address", "%s", addr)
	}
	if s.Ring.OK {
		row("Ring", "ok")
	}
	for _, p := range s.Ring.Problems {
		row("Ring", "%s", p)
	}
	return &b
}

// accessText says who can use the ring.
func accessText(n node.Network) string {
	switch {
	case !n.Private:
		return "open: whoever reaches a peer can read, replace, and delete all files"
	case n.Role == "none":
		return fmt.Sprintf("private: the members of %q only, and this peer is none", n.Name)
	}
	return fmt.Sprintf("private: the members of %q only; the role of this peer is %s", n.Name, n.Role)
}

// successorPath says how a successor is reached.
func successorPath(m node.Member) string {
	if m.Path == "" {
		return "not connected"
	}
	return pathText(m.Path, m.Via)
}

// arcText says whether the node serves its arc.
func arcText(a node.Arc) string {
	keys := fmt.Sprintf("keys after %d up to %d", a.From, a.To)
	if a.From == a.To {
		keys = "all keys"
	}
	if !a.Synced {
		return keys + ", not served yet: " + a.Why
	}
	return keys + ", synced"
}

// copiesText says which copies are still to be made.
func copiesText(s node.Status) string {
	var todo []string
	if s.CopiesMissing > 0 {
		todo = append(todo, textfmt.Count(s.CopiesMissing, "record lacks copies", "records lack copies"))
	}
	if s.Repair.BlocksMissing > 0 {
		todo = append(todo, textfmt.Count(int(s.Repair.BlocksMissing), "block is to be fetched", "blocks are to be fetched"))
	}
	if len(todo) == 0 {
		return "all there"
	}
	return strings.Join(todo, ", ")
}

func neighborText(s node.Status, m *node.Member) string {
	switch {
	case m == nil:
		return "none"
	case m.PeerID == s.PeerID:
		return fmt.Sprintf("%d (itself)", m.Key)
	case m.RingAddress != "":
		return fmt.Sprintf("%d (%s, %s)", m.Key, m.RingAddress, textfmt.ShortID(m.PeerID))
	}
	return fmt.Sprintf("%d (%s)", m.Key, textfmt.ShortID(m.PeerID))
}

func filesText(files []node.FileInfo) string {
	if len(files) == 0 {
		return "none"
	}
	var total int64
	var names []string
	for i, f := range files {
		if !f.Missing { // a file that isn't here may be nowhere
			total += f.Size
		}
		if i < namesShown {
			names = append(names, f.Name)
		}
	}
	text := fmt.Sprintf("%d (%s): %s", len(files), textfmt.Size(total), strings.Join(names, ", "))
	if more := len(files) - namesShown; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
