package gateway

import (
	"context"
	"net"
	"net/http"
	"os"
)

// passesFiles says that an open file can be handed through the socket.
const passesFiles = false

func asPassing(c net.Conn) net.Conn { return c }

type passListener struct{ net.Listener }

func withConn(ctx context.Context, _ net.Conn) context.Context { return ctx }

func takeFile(*http.Request) (*os.File, error) { return nil, errNoFile }

func withFile(ctx context.Context, _ *os.File) context.Context { return ctx }
