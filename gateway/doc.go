// Package gateway serves the local HTTP API of a node, which the command line speaks and which
// pages and other programs can speak too. Server answers on the Unix socket api.sock of the node's
// data folder (mode 0600: whoever may open it may do everything) and, with ServePort, on a loopback
// port to those that have the token. Package client is the other end; events and metrics collect
// what happens at the node.
//
//	GET    /v1/self                 who answers: peer_id, ring_address
//	GET    /metrics                 the node's metrics, for Prometheus
//	GET    /v1/status               node.Status
//	GET    /v1/health               the same without the files
//	GET    /v1/members              stream of node.Member
//	GET    /v1/files?prefix=P       stream of node.FileInfo
//	PUT    /v1/files/{name}         body: the bytes; ?copies=N&wait=all&modified=RFC3339&mode=0644
//	GET    /v1/files/{name}         the bytes; ?version=V for one that is not the current
//	HEAD   /v1/files/{name}         what is known of it, as headers
//	DELETE /v1/files/{name}
//	POST   /v1/store/{name}         stores an open file that is handed over; see handover.go
//	POST   /v1/save/{name}          writes into an open file that is handed over
//	GET    /v1/stat/{name}          node.FileStat
//	GET    /v1/lookup/{name}        node.Lookup
//	GET    /v1/trace/{name}         node.Trace
//	GET    /v1/peers                stream of node.Connection
//	POST   /v1/netcheck             stream without items; result: node.Netcheck; ?within=30s
//	GET    /v1/share?follow=true    stream of share.Update: folder, files, then each change
//	POST   /v1/verify               stream of node.Damage; result: node.Verified
//	POST   /v1/leave                stream of node.HandOver; result: {"gone":true}
//	POST   /v1/quit?within=10s      the same
//	GET    /v1/events?only=T        server-sent events: what happens
//	GET    /v1/openapi.yaml         the description of all this
//
// A name is percent-encoded as a path; its '/' may stay as they are. An error is
// {"error":{"code","message"}} with the HTTP status of package fault. A GET of a file takes a
// Range.
//
// A stream has a JSON object on each line: {"item":...} or {"progress":...}, and last one with
// "end":true, which carries the result, or the error, or both. A line with none of these says only
// that the work goes on. A stream without its last line was cut off. A node that can't leave runs
// on: its stream ends without "gone". A put is answered with such a stream if the request has
// Accept: application/x-ndjson, and otherwise with its result alone. A download puts its verdict
// into the trailer P2pchord-End if the request has TE: trailers; otherwise its Content-Length is
// the size, and a failure breaks the connection. Either way a client can't take a file that was cut
// short for a whole one.
//
// The package doesn't speak libp2p and opens no store. A Server owns the goroutines that accept
// connections, the one that checks the socket, and net/http's for each connection; a call may start
// one that says that the work goes on. Close waits for all of them. The mutexes of streamWriter and
// eventStream are held while one line is written to a connection, so that lines don't mix; no other
// lock is taken while they are held.
package gateway
