package api

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

const (
	// NDJSON is the media type of a stream.
	NDJSON = "application/x-ndjson"
	// ProgressInterval is the shortest time between two progress lines.
	ProgressInterval = 100 * time.Millisecond
	// MaxLine bounds a line of a stream, in bytes. The longest is a file with many siblings.
	MaxLine = 4 << 20
)

// Line is one line of a stream.
type Line struct {
	Item     json.RawMessage `json:"item,omitempty"`
	Progress *Progress       `json:"progress,omitempty"`
	End      bool            `json:"end,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *Problem        `json:"error,omitempty"`
}

// Progress is how far a transfer is.
type Progress struct {
	Done   int64  `json:"done"`
	Total  int64  `json:"total"`
	Copies int    `json:"copies"`
	Path   string `json:"path"`
	Waits  string `json:"waits,omitempty"` // what it waits for, for people
}

// ProgressOf returns p as it travels.
func ProgressOf(p node.Progress) *Progress {
	return &Progress{Done: p.Done, Total: p.Total, Copies: p.Copies, Path: p.Path, Waits: p.Waits}
}

// Node returns p as the progress of a node.
func (p Progress) Node() node.Progress {
	return node.Progress{Done: p.Done, Total: p.Total, Copies: p.Copies, Path: p.Path, Waits: p.Waits}
}

// ReadStream reads a stream to its end and calls each with every line before the last, except those
// that say only that the work goes on. It returns the last line. Its error is that of the stream,
// not one that the last line carries.
func ReadStream(r io.Reader, each func(Line) error) (Line, error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 64<<10), MaxLine)
	for sc.Scan() {
		var l Line
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			return Line{}, fault.New(fault.Failed, "the node's answer can't be read: %w", err)
		}
		if l.End {
			return l, nil
		}
		if l.Item == nil && l.Progress == nil {
			continue
		}
		if err := each(l); err != nil {
			return Line{}, err
		}
	}
	err := sc.Err()
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	if errors.Is(err, bufio.ErrTooLong) {
		return Line{}, fault.New(fault.Failed, "the node's answer can't be read: %w", err)
	}
	return Line{}, err
}
