package view

import (
	"fmt"
	"strings"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/node"
)

// blocksShown is the limit of blocks that are listed. JSON has all.
const blocksShown = 16

// Stat shows one file.
func Stat(s node.FileStat) *textfmt.Page {
	var b textfmt.Page
	row := func(label, format string, args ...any) {
		if label != "" {
			label += ":"
		}
		b.Printf("%-10s %s\n", label, fmt.Sprintf(format, args...))
	}
	row("Name", "%s", s.Name)
	row("Key", "%d", s.Key)
	row("Size", "%s (%s)", textfmt.Size(s.Size), textfmt.Count(int(s.Size), "byte", "bytes"))
	row("Hash", "%s", s.Hash)
	row("Version", "%s", s.Version)
	row("Modified", "%s", textfmt.Time(s.Modified))
	if s.Mode != 0 {
		row("Mode", "%v", s.Mode)
	}
	row("Writer", "%s", s.Writer)
	for _, h := range s.Holders {
		state := "complete"
		if !h.Complete {
			state = "incomplete"
		}
		row("Held by", "%s  %s, %s", h.PeerID, h.Role, state)
	}
	for _, line := range missingText(s.Missing, s.Unchecked) {
		row("Missing", "%s", line)
	}
	for i, bl := range s.Blocks {
		if i == blocksShown {
			row("Blocks", "and %d more", len(s.Blocks)-i)
			break
		}
		row("Block", "%d  key %d  %s  %s", bl.Index, bl.Key, textfmt.Size(bl.Size), bl.CID)
	}
	for _, f := range s.Siblings {
		row("Sibling", "%s  %s  %s  %s", f.Version, textfmt.Size(f.Size), textfmt.Time(f.Modified), f.Hash)
	}
	if len(s.Siblings) > 0 {
		row("", "written without knowing of the version above; get %s@VERSION fetches one", s.Name)
	}
	return &b
}

// missingText says which blocks of a file are missing, or could not be checked.
func missingText(missing, unchecked []int) []string {
	var lines []string
	if len(missing) > 0 {
		lines = append(lines, blockNumbers(missing)+": none of the peers that should have it has it, so the file can't be read completely; put it again")
	}
	if len(unchecked) > 0 {
		lines = append(lines, blockNumbers(unchecked)+": unknown, because not all peers that may have it answer; try again")
	}
	return lines
}

// blockNumbers lists blocks; of many, the first ones.
func blockNumbers(indexes []int) string {
	shown := indexes[:min(len(indexes), blocksShown)]
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(shown), " ", ", "), "[]")
	if more := len(indexes) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if len(indexes) == 1 {
		return "block " + text
	}
	return "blocks " + text
}
