package localfile

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// aclFor is a list by which the owner may read and write, one other user may read, and the group
// may not.
func aclFor(user uint32) []byte {
	const none = ^uint32(0)
	b := binary.LittleEndian.AppendUint32(nil, 2) // its version
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{0x01, 6, none}, {0x02, 4, user}, {0x04, 0, none}, {0x10, 4, none}, {0x20, 0, none}} {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.perm)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return b
}

// With an access control list the group's bits of the mode are not the group's: the list has to
// come along.
func TestWhatIsReplacedKeepsItsACL(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "old")
	list := aclFor(12345)
	if err := unix.Setxattr(path, accessACL, list, 0); err != nil {
		t.Skipf("no lists on this disk: %v", err)
	}
	if got := modeOf(t, path); got != 0o640 {
		t.Fatalf("%o", got)
	}
	target, err := NewSession(Options{Force: true}).File(path, want("f", "new text"))
	if err := fetch(target, err, "new text"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 1000)
	n, err := unix.Getxattr(path, accessACL, got)
	if err != nil || !bytes.Equal(got[:n], list) {
		t.Errorf("the list is %x, %v, want %x", got[:max(n, 0)], err, list)
	}
	if got := modeOf(t, path); got != 0o640 {
		t.Errorf("the mode is %o", got)
	}
}
