package view

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share"
)

// evil is what another peer could call itself, or say.
const evil = "a\x1b]0;title\x07\u009b31m\u202egpj\u200b\nNode Key: 1"

// Nothing that another peer says controls the terminal or adds a line, whichever verb shows it.
func TestNothingOfOthersControlsTheTerminal(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	out := console.New(&stdout, &stderr)
	out.Line("%s  %s", evil, evil)
	out.Say("%s", evil)
	out.Warn("%s", evil)
	out.Redraw([]string{evil})
	member := node.Member{PeerID: evil, RingAddress: evil, Addrs: []string{evil}}
	out.Page(Status(node.Status{
		PeerID: evil, RingAddress: evil, State: evil, Successor: member, Predecessor: &member, Addrs: []string{evil},
		Files: []node.FileInfo{{Name: evil}}, Ring: node.RingHealth{Problems: []string{evil}}, Bootstrap: []node.Contact{{Addr: evil}},
	}))
	out.Page(Stat(node.FileStat{FileInfo: node.FileInfo{Name: evil, Hash: evil, Version: evil}, Writer: evil, Holders: []node.Holder{{PeerID: evil, Role: evil}}}))
	out.Page(Peers([]node.Connection{{Role: evil, RingAddress: evil, Path: evil, Transport: evil}}))
	out.Page(Trace(node.Trace{Name: evil}))
	out.Page(Netcheck(node.Netcheck{PeerID: evil, Online: true, Machine: []string{evil}, Problems: []node.Problem{{What: evil, Why: evil, Do: evil}}}))
	out.Line("%s", FileLine(share.File{Name: evil, State: share.StateRefused, Reason: evil}))
	for _, l := range FolderLines(share.Status{Folder: evil, Problems: []string{evil}}) {
		out.Line("%s", l)
	}
	shown := strings.ReplaceAll(stdout.String()+stderr.String(), "\x1b[1A\r\x1b[J", "")
	for _, r := range shown {
		if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) {
			t.Errorf("%U is shown", r)
		}
	}
	for l := range strings.Lines(shown) {
		if strings.HasPrefix(l, "Node Key: 1") {
			t.Errorf("a name has added a line: %q", l)
		}
	}
}
