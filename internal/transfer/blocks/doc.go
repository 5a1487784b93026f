// Package blocks fetches blocks by their hashes from other peers. Every block has several holders:
// the first one that delivers the right bytes wins. A get reads files this way, and repair gets the
// copies that a node lacks.
//
// It knows neither the disk nor the records of files, and believes no peer: what it returns matches
// its hash. The processes of a fetch end before Fetch returns; production and simulation run the
// same code. Of its locks, each guards the fields below it and none is taken under another;
// race.lock is held while the ring is asked for the owner.
package blocks
