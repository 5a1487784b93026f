package vault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// A reader with the vault's keys gets what was put, whole and from any offset.
func TestReads(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1)
	for _, size := range []int{0, 1, 15, 16, 17, testBlock - 1, testBlock, testBlock + 1, 3*testBlock + 12345} {
		data := pattern(size)
		body, blocks := put(t, v.File("docs/a.txt"), "docs/a.txt", testClock, data)
		rec := sign(t, body, 1)
		o, err := v.Open(rec)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if o.GetName() != "docs/a.txt" || o.GetMode() != 0o640 || signed.ModifiedTime(o).UnixNano() != 1_700_000_000_000_000_250 {
			t.Errorf("%v", o.Description)
		}
		if sum := blake3sum.Sum(data); !bytes.Equal(o.GetHash(), sum[:]) {
			t.Errorf("%d bytes: the hash is not that of the file before it was encrypted", size)
		}
		for i, b := range blocks {
			plain := data[i*testBlock:][:len(b)]
			for _, offset := range []int{0, 1, 16, 31, 32, 1000, len(b) - 1} {
				if offset >= len(b) {
					continue
				}
				got := bytes.Clone(b[offset:])
				o.Keys.Stream(uint32(i), o.Salts[i], int64(offset)).XORKeyStream(got, got)
				if !bytes.Equal(got, plain[offset:]) {
					t.Errorf("block %d of %d bytes from %d on is another one", i, size, offset)
				}
			}
			if size > 100 && bytes.Contains(b, plain[:min(len(plain), 32)]) {
				t.Error("a holder can read a block")
			}
		}
	}
}

// What a writer makes of one place is the same whenever the bytes are, and nowhere else.
func TestSaltsAreThoseOfAPlaceAndItsBytes(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1)
	same := bytes.Repeat(pattern(testBlock), 2)
	_, first := put(t, v.File("a"), "a", testClock, same)
	_, again := put(t, v.File("a"), "a", testClock+1<<16, same)
	changed := bytes.Clone(same)
	changed[testBlock+5]++
	_, other := put(t, v.File("a"), "a", testClock+2<<16, changed)
	_, elsewhere := put(t, v.File("b"), "b", testClock, same)
	_, rotated := put(t, testVault(t, 1, 2).File("a"), "a", testClock, same)
	if !slices.EqualFunc(first, again, bytes.Equal) {
		t.Error("a repeated put has other bytes: it can't be resumed")
	}
	if !bytes.Equal(first[0], other[0]) || bytes.Equal(first[1], other[1]) {
		t.Error("the first block is the same, the second is not")
	}
	if bytes.Equal(first[0], first[1]) {
		t.Error("equal blocks of a file look equal")
	}
	if bytes.Equal(first[0], elsewhere[0]) {
		t.Error("equal files look equal")
	}
	if bytes.Equal(first[0], rotated[0]) {
		t.Error("the new epoch uses the old key")
	}
	// Blocks that differ have no common key stream: their difference doesn't show.
	diff := 0
	for i := range first[1] {
		if first[1][i]^other[1][i] != same[testBlock+i]^changed[testBlock+i] {
			diff++
		}
	}
	if diff < testBlock/2 {
		t.Error("two versions of a block share a key stream")
	}
}

// Even with one salt and the same bytes, other places and files have other keys.
func TestKeysAreThoseOfAPlace(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1)
	a, b, chain := v.File("a"), v.File("b"), [KeySize]byte{1}
	if s := a.Salt(0, chain); s == a.Salt(1, chain) || s == b.Salt(0, chain) {
		t.Error("two places have one salt")
	}
	seen := map[string]bool{}
	for _, f := range []*File{a, b, testVault(t, 1, 2).File("a")} {
		for i := range uint32(3) {
			stream := make([]byte, 64)
			f.Stream(i, Salt{}, 0).XORKeyStream(stream, stream)
			if seen[string(stream)] {
				t.Errorf("block %d has the key stream of another place", i)
			}
			seen[string(stream)] = true
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1)
	other, err := New(NewKey(), Epoch{Number: 1, Key: NewKey()})
	if err != nil {
		t.Fatal(err)
	}
	stored := v.StoredName("holiday.jpg")
	if len(stored) != 65 || signed.ValidName(stored) != nil || !strings.HasPrefix(stored, v.Prefix()) {
		t.Errorf("%q is no name for the ring", stored)
	}
	if v.StoredName("holiday.jpg") != stored || testVault(t, 1, 2).StoredName("holiday.jpg") != stored {
		t.Error("a name is another one at another time")
	}
	if v.StoredName("holiday.jp") == stored || other.StoredName("holiday.jpg") == stored || v.ID() == other.ID() {
		t.Error("names or vaults can't be told apart")
	}
	for name, ok := range map[string]bool{
		stored: true, stored[:64]: false, stored + "a": false, "": false, "holiday.jpg": false, other.StoredName("a"): false,
		stored[:64] + "7": false, strings.ToUpper(stored): false, v.Prefix() + strings.Repeat("1", 52): false,
	} {
		if _, got := v.token(name); got != ok {
			t.Errorf("%q is a name of this vault: %v", name, got)
		}
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1)
	tags := v.Tags("docs/2026/a.txt")
	if len(tags) != 3*signed.TagSize {
		t.Fatalf("%d bytes of tags for two folders and the top", len(tags))
	}
	for prefix, ok := range map[string]bool{
		"": true, "do": true, "docs/": true, "docs/20": true, "docs/2026/": true, "docs/2026/a": true,
		"docs/2025/": false, "2026/": false, "docs/2026/a.txt/": false,
	} {
		if signed.HasTag(tags, v.FolderTag(prefix)) != ok {
			t.Errorf("%q: listed %v", prefix, !ok)
		}
	}
	if deep := v.Tags(strings.Repeat("d/", 40) + "a"); len(deep) != signed.MaxTags*signed.TagSize || !signed.HasTag(deep, v.FolderTag(strings.Repeat("d/", 30))) {
		t.Errorf("%d bytes of tags for 40 folders", len(deep))
	}
	if hidden := v.HidingFolders().Tags("docs/a"); len(hidden) > 0 || !signed.HasTag(hidden, v.FolderTag("other/")) {
		t.Error("hidden folders have tags, or are never listed")
	}
	if other, err := New(NewKey(), Epoch{Number: 1, Key: NewKey()}); err != nil || bytes.Equal(other.FolderTag("docs/"), v.FolderTag("docs/")) {
		t.Error("a folder looks the same in another vault")
	}
}

// Old files can be read after a change of the key. Nothing new is read that was written with the
// old key, and nothing of an epoch whose key has not come.
func TestEpochs(t *testing.T) {
	t.Parallel()
	old, both := testVault(t, 1), testVault(t, 1, 2)
	body, _ := put(t, old.File("a"), "a", testClock, pattern(100))
	rec := sign(t, body, 1)
	if _, err := both.Open(rec); err != nil {
		t.Error(err)
	}
	epochs := both.Epochs()
	for until, ok := range map[uint64]bool{testClock >> 16: true, testClock>>16 + 1: true, testClock>>16 - 1: false} {
		epochs[0].UntilMS = until
		ended, err := New(old.NameKey(), epochs...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ended.Open(rec); (err == nil) != ok || err != nil && fault.CodeOf(err) != fault.Integrity {
			t.Errorf("the epoch ended at %d: %v", until, err)
		}
	}
	body, _ = put(t, both.File("a"), "a", testClock, pattern(100))
	if _, err := old.Open(sign(t, body, 1)); fault.CodeOf(err) != fault.TryAgain {
		t.Errorf("without the key of epoch 2: %v", err)
	}
	if _, err := New(old.NameKey()); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("without a key: %v", err)
	}
	if _, err := New(old.NameKey(), Epoch{Key: NewKey()}); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("epoch 0: %v", err)
	}
}

// The length of a sealed description says next to nothing about the name.
func TestDescriptionsArePadded(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1)
	for name, size := range map[string]int{"a": 256, strings.Repeat("a", 100): 256, strings.Repeat("a", 1024): 1280} {
		body, _ := put(t, v.File(name), name, testClock, []byte("x"))
		if len(body.GetSealed()) != size {
			t.Errorf("a name of %d bytes: %d bytes are sealed, not %d", len(name), len(body.GetSealed()), size)
		}
		if body.GetModified() != 0 || body.GetMode() != 0 {
			t.Error("time or mode can be read")
		}
	}
}

// A description can be read from a listing, without the record.
func TestListing(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1)
	body, _ := put(t, v.File("a"), "a", testClock, pattern(3*testBlock))
	rec := sign(t, body, 1)
	sum, err := signed.SealedTo(rec.Message.GetBody())
	if err != nil {
		t.Fatal(err)
	}
	l := func() *pb.Listing {
		return &pb.Listing{Name: rec.GetName(), Version: rec.Version(), Sealed: rec.GetSealed(), SealedTo: sum, Size: 1}
	}
	d, err := v.OpenListing(l())
	if err != nil || d.GetName() != "a" || d.GetSize() != 3*testBlock {
		t.Errorf("%v, %v", d, err)
	}
	for what, change := range map[string]func(*pb.Listing){
		"another name":    func(l *pb.Listing) { l.Name = v.StoredName("b") },
		"another clock":   func(l *pb.Listing) { l.Version.Clock++ },
		"another writer":  func(l *pb.Listing) { l.Version.Writer = testWriter(2) },
		"another record":  func(l *pb.Listing) { l.SealedTo = make([]byte, 32) },
		"no record":       func(l *pb.Listing) { l.SealedTo = nil },
		"nothing sealed":  func(l *pb.Listing) { l.Sealed = nil },
		"a changed byte":  func(l *pb.Listing) { l.Sealed = bytes.Clone(l.Sealed); l.Sealed[100]++ },
		"another epoch":   func(l *pb.Listing) { l.Sealed = bytes.Clone(l.Sealed); l.Sealed[4]++ },
		"a later format":  func(l *pb.Listing) { l.Sealed = bytes.Clone(l.Sealed); l.Sealed[0]++ },
		"a part of it":    func(l *pb.Listing) { l.Sealed = l.Sealed[:40] },
		"no name":         func(l *pb.Listing) { l.Name = "" },
		"not any version": func(l *pb.Listing) { l.Version = nil },
	} {
		m := l()
		change(m)
		if d, err := v.OpenListing(m); err == nil {
			t.Errorf("%s: %v", what, d)
		}
	}
}

// Whatever is printed, no key is in it.
func TestKeysAreNotPrinted(t *testing.T) {
	t.Parallel()
	v := testVault(t, 1)
	f := v.File("a")
	salt := f.Salt(0, [32]byte{})
	for _, value := range []any{v, *v, f, *f, v.NameKey(), v.Epochs(), v.Epochs()[0], salt, &salt, []Salt{salt}, Opened{Keys: f, Salts: []Salt{salt}}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			checkPrinted(t, f, salt, fmt.Sprintf(verb, value))
		}
		if raw, err := json.Marshal(value); err == nil {
			checkPrinted(t, f, salt, string(raw))
		}
	}
}

func checkPrinted(t *testing.T, f *File, salt Salt, text string) {
	t.Helper()
	for _, k := range [][]byte{bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{0x11}, 32), f.blocks[:], salt[:]} {
		lists := []string{fmt.Sprintf("%x", k[:8]), fmt.Sprintf("%X", k[:8]), strings.Trim(fmt.Sprintf("%d", k[:8]), "[]"), strings.Trim(fmt.Sprintf("%#v", k[:4]), "[]byte{}"), strings.ReplaceAll(strings.Trim(fmt.Sprintf("%d", k[:8]), "[]"), " ", ","), string(k)}
		for _, l := range lists {
			if strings.Contains(text, l) {
				t.Errorf("a key is printed: %s", text)
			}
		}
	}
}
