package admit

import (
	"bufio"
	"errors"
	"io"

	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-varint"

	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// ID is the protocol ID.
const ID protocol.ID = "/p2pchord/admit/1.0.0"

// Limits of messages, in bytes without the length before them.
const (
	// MaxShort is the most of a message without statements.
	MaxShort = 256
	// MaxProbation is the most that a peer may send before it is admitted, in all its messages.
	MaxProbation = 64 << 10
	// MaxSync is the most of one message with statements of an admitted peer. A head takes less
	// than 64 bytes, and a statement with its attachment less than statement.MaxEncoded.
	MaxSync = statement.MaxStatements*64 + statement.MaxEncoded
	// MaxExchange is the most that an admitted peer may send in one exchange.
	MaxExchange = statement.MaxTotal + maxAttached + 2*MaxSync

	maxAttached = 8 << 20 // bytes of all attachments of a set
)

// Limits of what messages hold.
const (
	NonceSize = 16
	// MaxStatements is the most statements in one message.
	MaxStatements = 4096
	// MaxWanted is the most attachments that one message may ask for.
	MaxWanted = 64
)

// ErrInvalid is wrapped by the errors of messages that are not valid.
var ErrInvalid = errors.New("the message is not valid")

// Stream reads and writes the messages of one stream. Its peer may send Left bytes more.
type Stream struct {
	Left int

	in  *bufio.Reader
	out io.Writer
}

// NewStream returns a Stream over s, of which the peer may send so many bytes.
func NewStream(s io.ReadWriter, left int) *Stream {
	return &Stream{Left: left, in: bufio.NewReader(s), out: s}
}

// Read reads the next message, of at most limit bytes, into m, and checks it.
func (s *Stream) Read(m *pb.AdmitMessage, limit int) error {
	size, err := varint.ReadUvarint(s.in)
	if err := frame.CheckLength(size, min(limit, s.Left), err); err != nil {
		return wrap(err)
	}
	s.Left -= int(size)
	buf, err := io.ReadAll(io.LimitReader(s.in, int64(size))) // grows with what has come
	if err != nil {
		return err
	}
	if uint64(len(buf)) < size {
		return io.ErrUnexpectedEOF
	}
	return Decode(buf, m)
}

// Write writes a message.
func (s *Stream) Write(m *pb.AdmitMessage) error {
	b, err := frame.Append(nil, m, MaxSync)
	if err != nil {
		return err
	}
	_, err = s.out.Write(b)
	return err
}
