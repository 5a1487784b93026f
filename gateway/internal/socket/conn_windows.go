package socket

import (
	"context"
	"net"
	"net/http"
	"os"
)

// HandsOver reports whether connections can hand over open files on this system.
const HandsOver = false

func handingOver(c net.Conn) net.Conn { return c }

func takingFiles(l net.Listener) net.Listener { return l }

// WithConn puts the connection into the context of its requests. It is an http.Server's
// ConnContext.
func WithConn(ctx context.Context, _ net.Conn) context.Context { return ctx }

// TakeFile returns the file that came with a request. The caller closes it.
func TakeFile(*http.Request) (*os.File, error) { return nil, errNoFile }

// WithFile makes f go with the request that is sent under the context.
func WithFile(ctx context.Context, _ *os.File) context.Context { return ctx }
