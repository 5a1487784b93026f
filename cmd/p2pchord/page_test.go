package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share"
)

// evil is what another peer could call itself, or say.
const evil = "a\x1b]0;title\x07\u009b31m\u202egpj\u200b\nNode Key: 1"

// Nothing that another peer says controls the terminal or adds a line, whichever verb shows it.
func TestNothingOfOthersControlsTheTerminal(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	out := newOutput(&stdout, &stderr)
	out.line("%s  %s", evil, evil)
	out.say("%s", evil)
	out.warn("%s", evil)
	out.redraw([]string{evil})
	member := node.Member{PeerID: evil, RingAddress: evil, Addrs: []string{evil}}
	out.page(statusText(node.Status{
		PeerID: evil, RingAddress: evil, State: evil, Successor: member, Predecessor: &member, Addrs: []string{evil},
		Files: []node.FileInfo{{Name: evil}}, Ring: node.RingHealth{Problems: []string{evil}}, Bootstrap: []node.Contact{{Addr: evil}},
	}))
	out.page(statText(node.FileStat{FileInfo: node.FileInfo{Name: evil, Hash: evil, Version: evil}, Writer: evil, Holders: []node.Holder{{PeerID: evil, Role: evil}}}))
	out.page(peersText([]node.Connection{{Role: evil, RingAddress: evil, Path: evil, Transport: evil}}))
	out.page(traceText(node.Trace{Name: evil}))
	out.page(netcheckText(node.Netcheck{PeerID: evil, Online: true, Machine: []string{evil}, Problems: []node.Problem{{What: evil, Why: evil, Do: evil}}}))
	out.line("%s", fileLine(share.File{Name: evil, State: share.StateRefused, Reason: evil}))
	for _, l := range folderLines(share.Status{Folder: evil, Problems: []string{evil}}) {
		out.line("%s", l)
	}
	m := &meter{title: evil, total: 10, files: 1, waits: evil, begun: time.Now(), done: map[string]int64{}}
	out.show, out.meter = true, m
	out.draw()
	shown := strings.ReplaceAll(strings.ReplaceAll(stdout.String()+stderr.String(), eraseLine, ""), "\x1b[1A\r\x1b[J", "")
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

// JSON has the very characters, escaped.
func TestJSONIsExactAndSafe(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	out := newOutput(&stdout, &stdout)
	out.object(map[string]string{"name": evil})
	if text := strings.TrimSuffix(stdout.String(), "\n"); strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) {
		t.Errorf("%q", text)
	}
	var back map[string]string
	if err := json.Unmarshal(stdout.Bytes(), &back); err != nil || back["name"] != evil {
		t.Errorf("%q, %v", back, err)
	}
}

// A line that libp2p logs may have a stranger's text in it.
func TestLogsOnATerminalAreSafe(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	out := newOutput(&bytes.Buffer{}, &stderr)
	out.log(logOutput{stderr: true}, "ERROR\tfailed to dial /dns4/a\x1b[31m\u202e\n", true)
	if want := "ERROR failed to dial /dns4/a\\x1b[31m\\u202e\n"; stderr.String() != want {
		t.Errorf("%q, want %q", stderr.String(), want)
	}
}
