package prompt

import (
	"bufio"
	"os"
	"strings"
)

const (
	// HistoryName is the name of the history file in a data folder.
	HistoryName = "history"
	historyMax  = 1000
)

// history is the lines typed at a prompt, kept in a file if that can be written. It implements
// term.History.
type history struct {
	lines []string // oldest first
	file  string
}

func openHistory(file string) *history {
	h := &history{file: file}
	f, err := os.Open(file)
	if err != nil {
		return h
	}
	defer func() { _ = f.Close() }() // it was only read
	for s := bufio.NewScanner(f); s.Scan(); {
		h.lines = append(h.lines, s.Text())
	}
	if len(h.lines) > historyMax {
		h.lines = h.lines[len(h.lines)-historyMax:]
		_ = os.WriteFile(file, []byte(strings.Join(h.lines, "\n")+"\n"), 0o600)
	}
	return h
}

// Add adds a line, unless it is empty or repeats the last one.
func (h *history) Add(line string) {
	if strings.TrimSpace(line) == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	f, err := os.OpenFile(h.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteString(line + "\n")
	_ = f.Close()
}

// Len returns the number of lines.
func (h *history) Len() int { return len(h.lines) }

// At returns a line; 0 is the latest.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
