package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/node"
)

// blocksShown is how many blocks of a file are named to people; JSON has all.
const blocksShown = 16

func (a *app) statCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stat NAME",
		Short: "Show one file: version, hash, blocks, and which peers hold it",
		Long: `Show one file: its version, hash and blocks, which peers hold it, and its siblings:
versions that were written without knowing of the one that won, as on the two sides of a
network that was cut. They are kept, and get NAME@VERSION fetches them.`,
		Example: example("p2pchord stat holiday.jpg", "p2pchord stat holiday.jpg --json"),
		Args:    exactly(1, "one NAME"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.stat(cmd, args[0]) },
	}
}

func (a *app) stat(cmd *cobra.Command, name string) error {
	if err := node.ValidName(name); err != nil {
		return err
	}
	r, err := a.openRing(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // nothing was changed
	s, err := r.Stat(cmd.Context(), name)
	if err != nil {
		return err
	}
	if a.json {
		s.Blocks, s.Holders, s.Siblings = nonNil(s.Blocks), nonNil(s.Holders), nonNil(s.Siblings)
		s.Missing, s.Unchecked = nonNil(s.Missing), nonNil(s.Unchecked)
		a.out.Object(s)
		return nil
	}
	a.out.Page(statText(s))
	return nil
}

func statText(s node.FileStat) *textfmt.Page {
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

// missingText says which blocks of a file are missing, or could not be looked for.
func missingText(missing, unchecked []int) []string {
	var lines []string
	if len(missing) > 0 {
		lines = append(lines, blockNumbers(missing)+": no peer that should have it does, so the file can't be read whole; put it again")
	}
	if len(unchecked) > 0 {
		lines = append(lines, blockNumbers(unchecked)+": can't tell, for not all peers that may have it answer; try again")
	}
	return lines
}

// blockNumbers names blocks, the first few when there are many.
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
