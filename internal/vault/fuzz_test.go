package vault

import (
	"bytes"
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// Whatever a holder puts into a listing, it is refused with one line, or is what was sealed.
func FuzzOpenListing(f *testing.F) {
	v := testVault(f, 1)
	body, _ := put(f, v.File("a"), "a", testClock, pattern(10))
	rec := sign(f, body, 1)
	sum, err := signed.SealedTo(rec.Message.GetBody())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(rec.GetName(), rec.GetClock(), rec.GetWriter(), rec.GetSealed(), sum)
	f.Add("", uint64(0), []byte{}, []byte{1, 0, 0, 0, 1}, []byte{})
	f.Fuzz(func(t *testing.T, name string, clock uint64, writer, sealed, sealedTo []byte) {
		d, err := v.OpenListing(&pb.Listing{Name: name, Version: &pb.Version{Clock: clock, Writer: writer}, Sealed: sealed, SealedTo: sealedTo})
		if err != nil {
			checkError(t, err)
			return
		}
		if d.GetName() != "a" || name != rec.GetName() || clock != testClock || !bytes.Equal(sealed, rec.GetSealed()) {
			t.Errorf("%v of %q", d, name)
		}
	})
}

// The fuzzer can't seal, so what it makes is read as if it had been sealed.
func FuzzReadDescription(f *testing.F) {
	f.Add([]byte{0, 3, 10, 1, 'a', 0, 0})
	f.Add([]byte{255, 255})
	f.Fuzz(func(t *testing.T, plain []byte) {
		d, err := readDescription(plain)
		if err != nil {
			checkError(t, err)
			return
		}
		if signed.ValidName(d.GetName()) != nil || len(d.GetHash()) != 32 {
			t.Errorf("%v", d)
		}
	})
}

func FuzzDecodeKeys(f *testing.F) {
	f.Add(testVault(f, 1, 2).Encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := Decode(raw)
		if err != nil {
			checkError(t, err)
			return
		}
		again, err := Decode(v.Encode())
		if err != nil || again.ID() != v.ID() || !slices.Equal(again.epochs, v.epochs) {
			t.Errorf("%v: %v", again, err)
		}
	})
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if c := fault.CodeOf(err); c != fault.Integrity && c != fault.TryAgain || bytes.ContainsRune([]byte(err.Error()), '\n') {
		t.Errorf("%q", err)
	}
}
