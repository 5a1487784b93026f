package joining

import (
	"bufio"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/network/statement"
)

// ID is the protocol ID.
const ID protocol.ID = "/p2pchord/join/1.0.0"

const (
	// maxRequest and maxOffer bound a message in bytes.
	maxRequest = statement.MaxSize + 1024
	maxOffer   = 3 * statement.MaxSize
	// maxNetwork bounds the statements of a network, with the data keys in use.
	maxNetwork = 2*statement.MaxTotal + 16*statement.MaxStatements + 4*statement.MaxAttachment

	requestTime = 10 * time.Second // for a request, and for an offer
	networkTime = time.Minute      // for the statements of a network
)

// link reads and writes messages with their length before them.
type link struct {
	network.Stream
	in *bufio.Reader
}

func newLink(s network.Stream) link { return link{s, bufio.NewReader(s)} }

func (l link) read(m proto.Message, limit int64) error {
	return protodelim.UnmarshalOptions{MaxSize: limit}.UnmarshalFrom(l.in, m)
}

func (l link) write(m proto.Message) error {
	_, err := protodelim.MarshalTo(io.Writer(l.Stream), m)
	return err
}

func (l link) within(d time.Duration) error { return l.SetDeadline(time.Now().Add(d)) }
