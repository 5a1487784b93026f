package transfer

import (
	"fmt"
	"io/fs"
	"runtime"
	"strconv"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// DefaultBlockSize is the size in bytes of the blocks that files are cut into.
const DefaultBlockSize = 4 << 20

// SizeUnknown stands for a size that will be known at the end of the stream.
const SizeUnknown = -1

// PutOptions say how a file is stored.
type PutOptions struct {
	// Size is the number of bytes to come, or SizeUnknown. A stream of another size is refused, and
	// the old version stays. The zero value means an empty file.
	Size int64
	// Copies is how many peers shall hold the file, 1 to 8. Default 0: the ring's default.
	Copies int
	// WaitAll waits for every copy, not only for the two that make the file safe.
	WaitAll bool
	// Modified is the file's time. Default: now.
	Modified time.Time
	// Mode is the file's permission bits, which a reader may give to its copy. Default 0: not
	// given.
	Mode Mode
	// Progress, if not nil, is called now and then, by one goroutine at a time.
	Progress func(Progress)
}

// GetOptions say what is read.
type GetOptions struct {
	// Version names one version, as FileInfo.Version does: the current one or a sibling. Default:
	// the current one.
	Version string
	// Offset is the byte where Read and WriteTo begin; below 0 it counts from the end. Default: the
	// beginning. Only the blocks that are needed are fetched.
	Offset int64
	// Length is how many bytes they yield at most. Default 0: all to the end.
	Length int64
	// Progress, if not nil, is called now and then, by one goroutine at a time. It may call the
	// File's Info and Sources.
	Progress func(Progress)
}

// Within returns the bytes of a file of some size that the options ask for: from begin on, before
// end. An Offset at the end of the file or behind it is fault.Usage; one before its beginning means
// the beginning, and a Length beyond the end means the end.
func (o GetOptions) Within(size int64) (begin, end int64, err error) {
	begin, end = o.Offset, size
	if begin < 0 {
		begin = max(size+begin, 0)
	}
	if o.Length < 0 || begin > 0 && begin >= size {
		return 0, 0, fault.New(fault.Usage, "the file has %d bytes: there are none from %d on", size, o.Offset)
	}
	if o.Length > 0 && o.Length < size-begin {
		end = begin + o.Length
	}
	return begin, end, nil
}

// Mode is the permission bits of a file, as in Unix. 0 means that they aren't known. In JSON and in
// queries it is octal digits: 0644.
type Mode uint32

// MaxMode is all permission bits.
const MaxMode = 0o777

// ModeOf is the mode of a file on this machine; 0 on Windows, whose files have no such bits. A file
// that nobody may read has the mode 0400, because 0 would let everybody read it.
func ModeOf(i fs.FileInfo) Mode {
	if runtime.GOOS == "windows" {
		return 0
	}
	if m := Mode(i.Mode().Perm()); m != 0 {
		return m
	}
	return 0o400
}

// ParseMode reads octal digits; none are 0.
func ParseMode(s string) (Mode, error) {
	if s == "" {
		return 0, nil
	}
	m, err := strconv.ParseUint(s, 8, 32)
	if err != nil || m > MaxMode {
		return 0, fault.New(fault.Usage, "mode=%q is not up to three octal digits, such as 644", s)
	}
	return Mode(m), nil
}

// String is the mode as octal digits.
func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// MarshalText is String.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText is ParseMode.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMode(string(text))
	return err
}
