package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// The headers that describe a file, and the trailers of a download.
const (
	HeaderSize     = "P2pchord-Size"
	HeaderKey      = "P2pchord-Key"
	HeaderHash     = "P2pchord-Hash"
	HeaderVersion  = "P2pchord-Version"
	HeaderModified = "P2pchord-Modified"
	HeaderCopies   = "P2pchord-Copies"
	HeaderMode     = "P2pchord-Mode"
	// HeaderStoredHash is the hash of what holders have of an encrypted file.
	HeaderStoredHash = "P2pchord-Stored-Hash"

	TrailerEnd     = "P2pchord-End"     // "ok", or an error's code, a space, its message
	TrailerSources = "P2pchord-Sources" // peer IDs, a comma between
	TrailerPath    = "P2pchord-Path"    // "direct" or "relayed"
	EndOK          = "ok"
)

// SetHeaders sets the headers that describe a file.
func SetHeaders(h http.Header, i node.FileInfo) {
	h.Set(HeaderSize, strconv.FormatInt(i.Size, 10))
	h.Set(HeaderKey, strconv.Itoa(int(i.Key)))
	h.Set(HeaderHash, i.Hash)
	h.Set(HeaderVersion, i.Version)
	h.Set(HeaderModified, i.Modified.Format(time.RFC3339Nano))
	h.Set(HeaderCopies, strconv.Itoa(i.Copies))
	if i.Mode != 0 {
		h.Set(HeaderMode, i.Mode.String())
	}
	if i.StoredHash != "" {
		h.Set(HeaderStoredHash, i.StoredHash)
	}
	h.Set("ETag", ETag(i))
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Type", "application/octet-stream")
	h.Set("X-Content-Type-Options", "nosniff")
}

// ParseHeaders is the reverse of SetHeaders.
func ParseHeaders(name string, h http.Header) (node.FileInfo, error) {
	i := node.FileInfo{Name: name, Hash: h.Get(HeaderHash), Version: h.Get(HeaderVersion), StoredHash: h.Get(HeaderStoredHash)}
	size, err1 := strconv.ParseInt(h.Get(HeaderSize), 10, 64)
	key, err2 := strconv.ParseUint(h.Get(HeaderKey), 10, 16)
	copies, err3 := strconv.Atoi(h.Get(HeaderCopies))
	modified, err4 := time.Parse(time.RFC3339Nano, h.Get(HeaderModified))
	mode, err5 := node.ParseMode(h.Get(HeaderMode))
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return i, fault.New(fault.Failed, "the node's answer can't be read: %w", err)
	}
	i.Size, i.Key, i.Copies, i.Modified, i.Mode = size, uint16(key), copies, modified, mode
	return i, nil
}

// ETag is the version of a file, quoted: other contents are another version.
func ETag(i node.FileInfo) string { return strconv.Quote(i.Version) }

// ParseRange reads a Range header into o and reports whether it asks for one range. A header that
// it doesn't understand, or with several ranges, means the whole file, as RFC 9110 allows.
func ParseRange(header string, o *node.GetOptions) bool {
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok || !dash {
		return false
	}
	a, errA := strconv.ParseUint(first, 10, 62)
	b, errB := strconv.ParseUint(last, 10, 62)
	switch {
	case errA == nil && last == "":
		o.Offset = int64(a)
	case errA == nil && errB == nil && a <= b:
		o.Offset, o.Length = int64(a), int64(b-a)+1
	case first == "" && errB == nil && b > 0:
		o.Offset = -int64(b)
	case first == "" && errB == nil:
		o.Length = -1 // the last 0 bytes: no file has such a range
	default:
		return false
	}
	return true
}

// RangeHeader is the reverse of ParseRange.
func RangeHeader(o node.GetOptions) string {
	switch {
	case o.Offset < 0:
		return fmt.Sprintf("bytes=%d", o.Offset)
	case o.Length > 0:
		return fmt.Sprintf("bytes=%d-%d", o.Offset, o.Offset+min(o.Length, 1<<61)-1)
	}
	return fmt.Sprintf("bytes=%d-", o.Offset)
}
