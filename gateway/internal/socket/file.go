package socket

import "github.com/p2pchord/p2pchord/internal/fault"

var errNoFile = fault.New(fault.Usage, "no open file came with the request")
