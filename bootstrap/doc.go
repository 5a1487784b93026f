// Package bootstrap is the peer that everybody knows by its address. It keeps a
// roster of the ring's live members, who heartbeat to it, introduces newcomers to
// those nearest their place, names the one founder of a ring that has nobody, and is
// relay, hole-punch coordinator and reachability tester for its members.
//
// It is not in the ring, holds no files, routes nothing, and never imports node or store. A peer that
// has joined doesn't need it. What the roster decides is pure code (roster.go, introduce.go), in
// which time is an argument.
//
// A Contact is the other half: it keeps a peer registered with one bootstrap peer.
//
// A Peer owns one goroutine that declares peers lost, one that dials the members of the last run for
// half a minute, those that ask new members for their neighbors, and those of its host and its
// service. A Contact owns one goroutine. Close ends and awaits them.
package bootstrap
