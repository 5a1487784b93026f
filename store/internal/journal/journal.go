package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/store/internal/disk"
)

// Journal is the store's write-ahead log: two files, written in turn and over and over,
// so that an fsync rarely has to change more than the bytes. Each turn is an epoch.
// A record is
//
//	check 8, length of payload 4, epoch 8, number 8, payload
//
// with integers big-endian, numbers counted from 0 in each epoch. The check is the beginning of the
// BLAKE3 hash of the rest under a key that is random in each store: payloads hold data of
// strangers, which must not look like records when a file is overwritten. An epoch ends where a
// record doesn't fit its sequence. Each record is durable before the next is written, so only the
// last of the newest epoch can be torn; anything else is damage.
type Journal struct {
	key   [KeyBytes]byte
	files [2]vfs.File
	limit int64 // bytes of a file that are filled before the other is used
	epoch uint64
	seq   uint64
	off   int64
	buf   []byte
}

// KeyBytes is the length of a journal's key.
const KeyBytes = blake3sum.KeySize

const (
	recordCheck = 8
	recordHead  = recordCheck + 20
)

var errDamagedJournal = fault.New(fault.Integrity, "the store's journal is damaged: acknowledged changes can't be read; move the data folder away and let the node fetch its files again")

// Open opens the files, making them where they are missing, and returns the
// payloads of the epochs after flushed, oldest first. The next record belongs to a new
// epoch, so what was returned must be durable elsewhere before Append is called.
func Open(fs vfs.FS, dir string, key [KeyBytes]byte, limit int64, flushed uint64) (*Journal, [][]byte, error) {
	j := &Journal{key: key, limit: limit, epoch: flushed}
	var epochs [2]uint64
	var payloads [2][][]byte
	for i := range j.files {
		f, err := fs.OpenReadWrite(fs.PathJoin(dir, fmt.Sprintf("journal.%d", i)), vfs.WriteCategoryUnspecified)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("opening the journal: %w", err), j.Close())
		}
		j.files[i] = f
		if epochs[i], payloads[i], err = j.readEpoch(f, flushed); err != nil {
			return nil, nil, errors.Join(err, j.Close())
		}
		j.epoch = max(j.epoch, epochs[i])
	}
	if err := disk.SyncFolder(fs, dir); err != nil {
		return nil, nil, errors.Join(err, j.Close())
	}
	older, newer := 0, 1
	if epochs[0] > epochs[1] {
		older, newer = 1, 0
	}
	// An epoch begins only when the one before the last is in the database.
	if epochs[newer] > flushed+1 && epochs[older] != epochs[newer]-1 {
		return nil, nil, errors.Join(errDamagedJournal, j.Close())
	}
	var all [][]byte
	for _, i := range []int{older, newer} {
		if epochs[i] > flushed {
			all = append(all, payloads[i]...)
		}
	}
	j.Turn()
	return j, all, nil
}

// readEpoch returns the epoch that the file begins with and its payloads.
func (j *Journal) readEpoch(f vfs.File, flushed uint64) (epoch uint64, payloads [][]byte, err error) {
	st, err := f.Stat()
	if err != nil {
		return 0, nil, fmt.Errorf("reading the journal: %w", err)
	}
	b := make([]byte, st.Size())
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, st.Size()), b); err != nil {
		return 0, nil, fmt.Errorf("reading the journal: %w", err)
	}
	for {
		e, seq, payload, ok := j.parse(b)
		if !ok || seq != uint64(len(payloads)) || (len(payloads) > 0 && e != epoch) {
			break
		}
		epoch = e
		payloads = append(payloads, payload)
		b = b[recordHead+len(payload):]
	}
	// A record that is not whole was the last to be written, unless one after it is:
	// then it was durable once.
	for _, e := range []uint64{flushed + 1, flushed + 2} {
		if (epoch <= flushed || e == epoch) && j.continues(b, e, uint64(len(payloads))) {
			return 0, nil, errDamagedJournal
		}
	}
	return epoch, payloads, nil
}

// continues reports whether a whole record of the epoch with a number above seq is in b.
func (j *Journal) continues(b []byte, epoch, seq uint64) bool {
	want := binary.BigEndian.AppendUint64(nil, epoch)
	for len(b) > recordHead {
		i := bytes.Index(b[recordCheck+4:], want)
		if i < 0 {
			return false
		}
		if e, s, _, ok := j.parse(b[i:]); ok && e == epoch && s > seq {
			return true
		}
		b = b[i+1:]
	}
	return false
}

func (j *Journal) parse(b []byte) (epoch, seq uint64, payload []byte, ok bool) {
	if len(b) < recordHead {
		return 0, 0, nil, false
	}
	n := uint64(binary.BigEndian.Uint32(b[recordCheck:]))
	if n == 0 || n > uint64(len(b)-recordHead) {
		return 0, 0, nil, false
	}
	b = b[:recordHead+int(n)]
	if !bytes.Equal(j.check(b[recordCheck:]), b[:recordCheck]) {
		return 0, 0, nil, false
	}
	return binary.BigEndian.Uint64(b[12:]), binary.BigEndian.Uint64(b[20:]), b[recordHead:], true
}

// check returns the check of a record's other bytes.
func (j *Journal) check(b []byte) []byte {
	sum := blake3sum.Keyed(j.key, b)
	return sum[:recordCheck]
}

// Epoch is the epoch that is being written.
func (j *Journal) Epoch() uint64 { return j.epoch }

// Full reports whether a payload of n bytes should go to the next epoch.
func (j *Journal) Full(n int) bool { return j.off > 0 && j.off+recordHead+int64(n) > j.limit }

// Turn begins the next epoch in the other file, whose contents must not be needed any more.
func (j *Journal) Turn() { j.epoch, j.seq, j.off = j.epoch+1, 0, 0 }

// Append writes one record and makes it durable.
func (j *Journal) Append(payload []byte) error {
	b := append(j.buf[:0], make([]byte, recordCheck)...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload))) //nolint:gosec // far below 4 GiB
	b = binary.BigEndian.AppendUint64(b, j.epoch)
	b = binary.BigEndian.AppendUint64(b, j.seq)
	b = append(b, payload...)
	copy(b, j.check(b[recordCheck:]))
	f := j.files[j.epoch%2]
	if _, err := f.WriteAt(b, j.off); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	if err := f.SyncData(); err != nil {
		return fmt.Errorf("syncing the journal: %w", err)
	}
	j.off += int64(len(b))
	j.seq++
	if j.buf = b; cap(b) > 1<<20 {
		j.buf = nil
	}
	return nil
}

// Close closes the files.
func (j *Journal) Close() error {
	var err error
	for _, f := range j.files {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}
