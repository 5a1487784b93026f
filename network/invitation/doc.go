// Package invitation is the codes with which a machine joins a private network. It is pure.
//
// A code has a secret of 80 bits. The key of an invitation is derived from it: the network has an
// Invite with the public half, and whoever has the secret signs one Grant with the private half.
// A short code is the secret alone, for a voice or a note. A long code has the network and
// addresses too, for copying and for a picture.
//
// Nobody who has the Invite can compute the secret: it comes from a random generator, so there is
// nothing to guess but 2^80 secrets. Invite.Check is a MAC of the network under the secret, which
// only somebody with the secret can make. So a peer that knows no secret can't pass off another
// network as the one that the code is for.
package invitation
