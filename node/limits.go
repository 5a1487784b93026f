package node

import (
	"github.com/p2pchord/p2pchord/protocol"
)

func limits(up, down int64) protocol.Limits {
	return protocol.Limits{Up: protocol.NewLimit(up), Down: protocol.NewLimit(down)}
}
