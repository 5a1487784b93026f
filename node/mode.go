package node

import (
	"fmt"
	"io/fs"
	"runtime"
	"strconv"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Mode is the permission bits of a file, as in Unix. 0 means that they aren't known. In JSON and
// in queries it is octal digits: 0644.
type Mode uint32

// maxMode is all permission bits.
const maxMode = 0o777

// ModeOf is the mode of a file on this machine; 0 on Windows, whose files have no such bits. Of a
// file that nobody may read it is 0400: 0 would let everybody.
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
	if err != nil || m > maxMode {
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
