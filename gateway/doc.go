// Package gateway is the local HTTP API of a node: what the command line, and
// later a page, speaks. Server answers on the Unix socket api.sock of the
// node's data folder (mode 0600: who may open it may do everything); Client
// is the other end and offers the same operations, so that a verb is the same
// code whether it works on a node in this process, on a running node, or as a
// client that only passes through.
//
//	GET    /v1/self                 who answers: peer_id, ring_address
//	GET    /metrics                 the node's figures, for Prometheus
//	GET    /v1/status               node.Status
//	GET    /v1/health               the same without the files
//	GET    /v1/members              stream of node.Member
//	GET    /v1/files?prefix=P       stream of node.FileInfo
//	PUT    /v1/files/{name}         body: the bytes; ?copies=N&wait=all&modified=RFC3339&mode=0644
//	GET    /v1/files/{name}         the bytes; ?version=V for one that is not the current
//	HEAD   /v1/files/{name}         what is known of it, as headers
//	DELETE /v1/files/{name}
//	GET    /v1/stat/{name}          node.FileStat
//	GET    /v1/lookup/{name}        node.Lookup
//	GET    /v1/trace/{name}         node.Trace
//	GET    /v1/peers                stream of node.Connection
//	POST   /v1/netcheck             stream without items; its result is a node.Netcheck; ?within=30s
//	GET    /v1/share?follow=true    stream of share.Update: the shared folder, its files, then each change
//	POST   /v1/verify               stream of node.Damage, and node.Verified
//	POST   /v1/leave                stream of node.HandOver, and {"gone":true}
//	POST   /v1/quit?within=10s      the same
//	GET    /v1/events?only=T        server-sent events: what happens
//	GET    /v1/openapi.yaml         the description of all this
//
// A GET of a file takes a Range. With ServePort the same is on a loopback port, for who
// has the token.
//
// A name is percent-encoded as a path; its '/' may stand as they are. An error
// is {"error":{"code","message"}} with the HTTP status of package fault.
//
// A stream is a JSON object a line: {"item":...} or {"progress":...}, and last
// one with "end":true, which carries the result, or the error, or both. A line
// with neither says only that the work goes on. A stream without its last line was
// cut off. A node that can't leave runs on: its stream ends without "gone". A put answers with such a stream when it is asked with
// Accept: application/x-ndjson, and with its result alone otherwise. A download
// says its verdict in the trailer P2pchord-End when asked with TE: trailers;
// otherwise its Content-Length is the size, and a failure breaks the connection.
// Either way a file that was cut short can't be taken for a whole one.
//
// The package never speaks libp2p and never opens a store. Server and
// MetricsServer own the goroutine that accepts, and net/http's one a connection; Close waits for all.
package gateway
