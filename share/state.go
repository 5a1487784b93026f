package share

import (
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// The states of a file in the folder.
const (
	StateWaiting   = "waiting"   // it may still be written to, or others come first
	StateUploading = "uploading" // it is on its way
	StateStored    = "stored"    // the ring has this content of it
	StateRefused   = "refused"   // it can't be stored; File.Reason says why
	StateGone      = "gone"      // it has left the folder; what the ring has stays
)

// The states of the folder.
const (
	FolderScanning = "scanning" // the first scan is under way
	FolderWatching = "watching"
	FolderMissing  = "missing" // it isn't there, or can't be read
)

// File is the state of one file. Its JSON is part of the command line's contract.
type File struct {
	Time   time.Time `json:"time"`
	Name   string    `json:"name"`
	State  string    `json:"state"`
	Size   int64     `json:"size"`
	Done   int64     `json:"done"`             // bytes sent of an upload
	Copies int       `json:"copies"`           // durable copies when last asked, 0 unless stored
	Hash   string    `json:"hash,omitempty"`   // BLAKE3-256 of what is stored, hex
	Code   string    `json:"code,omitempty"`   // of a refusal, as in errors
	Reason string    `json:"reason,omitempty"` // of a refusal
	Retry  bool      `json:"retry"`            // the refused file is tried again by itself
}

// Status is the state of the folder.
type Status struct {
	Time      time.Time `json:"time"`
	Folder    string    `json:"folder"`
	State     string    `json:"state"`
	Scanned   int       `json:"scanned"` // files seen by the scan under way, or the last one
	Waiting   int       `json:"waiting"`
	Uploading int       `json:"uploading"`
	Stored    int       `json:"stored"`
	Refused   int       `json:"refused"`
	Problems  []string  `json:"problems"` // why changes may go unnoticed, or show late
}

// Update is the state of a file or of the folder.
type Update struct {
	File   *File   `json:"file,omitempty"`
	Folder *Status `json:"folder,omitempty"`
	// Present ends the state at the beginning of the watch. Changes follow.
	Present bool `json:"present,omitempty"`
}

// stamp distinguishes contents of a file without reading it.
type stamp struct {
	size     int64
	modified int64 // nanoseconds since 1970
	// changed is when the content, the name, or the permissions last changed, in nanoseconds since
	// 1970; 0 where the system doesn't say. Programs can't set it, so it also reveals a change by a
	// program that sets modified back.
	changed int64
	inode   uint64 // 0 where a file doesn't keep its number
}

// same reports whether two stamps are of one content, as far as both say.
func (s stamp) same(t stamp) bool {
	return s.size == t.size && s.modified == t.modified && s.changed == t.changed &&
		(s.inode == t.inode || s.inode == 0 || t.inode == 0)
}

// known is a content that the ring has.
type known struct {
	stamp    stamp
	hash     [32]byte
	copies   int
	possible int    // copies that a ring of that size can have of it
	day      uint16 // since 1970, when the file was last in the folder
}

// failure is why a file is not stored.
type failure struct {
	code   fault.Code
	reason string
	retry  bool // it may succeed without a change of the file
	all    bool // it would be the same for every other file
}
