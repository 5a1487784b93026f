// Package network decides who belongs to a private network and what each member may do. It is pure:
// it does no I/O, reads no clock, and starts no goroutine.
//
// A network is a growing Set of signed statements (package statement). Set.State computes the
// present state, which is the same for every order in which the statements came. So peers exchange
// what the other lacks, and agree without a server.
//
// The rules, of which docs/decisions/0170 and 0171 give the reasons:
//
//   - The issuer of the genesis is the root. A counted Grant with the role of an admin makes its
//     statement key an issuer. A counted Invite lets its key issue one Grant.
//   - A statement counts if its issuer may issue it and the issuer's statements before it are there
//     and count. Two statements of one issuer with one number are a fork: neither counts, nor what
//     follows. The root can choose the branch that counts, by a cut that names it.
//   - A Revoke beats every Grant of its peer, before or after. A Cut ends the statements of an
//     issuer. Two admins that revoke each other are both out. The root is cut off by nobody but a
//     quorum of the recovery keys, and whoever it cuts off can't undo that.
//   - Of several grants of a peer those of admins come before those of invitations, then the
//     greatest serial counts. Among equals what allows less counts.
//   - Time decides nothing. When a grant ends is data, which Member.May compares with the time that
//     it is given.
//
// A set is bounded: 16,384 statements and 8 MiB. A statement whose issuer is unknown waits in a
// small buffer, which is the only room that strangers have. A set that is full takes statements of
// the root only. An admin's key that was stolen can therefore fill a set, which the network doesn't
// recover from; nothing here limits the rate.
//
// The design borrows from Tailscale's tailnet lock (several signing
// keys, revocation of what a stolen key signed), Keybase's sigchains (numbered links with the hash
// of the one before), TUF (a root that is replaced by a quorum), and the well-founded semantics of
// logic programs (revocations that exclude each other).
package network
