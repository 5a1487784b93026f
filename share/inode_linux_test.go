package share

import "testing"

// Files of /proc, as those of FAT, exFAT and most of FUSE, have no inode number of their own.
func TestAnInodeNumberThatMayChangeIsNotCounted(t *testing.T) {
	t.Parallel()
	for dir, keeps := range map[string]bool{t.TempDir(): true, "/proc/self": false} {
		tr, err := openTree(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.close()
		name := "status"
		if keeps {
			s := &shared{t: t, dir: dir}
			s.write(name, "x")
		}
		seen, file, _ := tr.look(name)
		if !file || (seen.stamp.inode != 0) != keeps {
			t.Errorf("%s: a file %v, inode %d", dir, file, seen.stamp.inode)
		}
	}
}

func TestAnUnknownInodeNumberIsNoChange(t *testing.T) {
	t.Parallel()
	m := newMachine(quiet)
	m.remember("a", known{stamp: stamp{size: 5, modified: 7, inode: 9}})
	m.found(1, "a", stamp{size: 5, modified: 7}, byScan)
	if f := m.files["a"]; f.phase != stored {
		t.Errorf("phase %d", f.phase)
	}
	m.found(2, "a", stamp{size: 5, modified: 7, inode: 10}, byScan)
	if f := m.files["a"]; f.phase != waiting {
		t.Errorf("another number: phase %d", f.phase)
	}
}
