package node

import (
	"github.com/p2pchord/p2pchord/internal/fault"
)

// Within returns the bytes of a file of some size that the options ask for: from begin
// on, before end. An Offset at the end of the file or behind it is fault.Usage; one
// before its beginning means the beginning, and a Length beyond the end the end.
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

// last is the number of the block behind the last one that is read.
func (f *File) last() int {
	size := int64(f.rec.GetBlockSize())
	if size == 0 || f.end == 0 {
		return 0
	}
	return int((f.end + size - 1) / size)
}

// wanted returns the bytes of block i that were asked for.
func (f *File) wanted(i int, data []byte) []byte {
	at := int64(i) * int64(f.rec.GetBlockSize())
	from := min(max(f.begin-at, 0), int64(len(data)))
	to := min(max(f.end-at, from), int64(len(data)))
	return data[from:to]
}
