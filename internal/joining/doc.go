// Package joining lets machines join a private network by a code: /p2pchord/join/1.0.0, both sides.
//
// The newcomer asks twice on one stream. First it names the invitation, and proves that it has the
// code; the member answers with the genesis and the Invite. When these are what the code is for it
// sends the one Grant that the invitation's key may sign, and gets the statements of the network.
// What each side checks is in internal/membership.
//
// Members that may read files give each other the data keys (/p2pchord/keys/1.0.0): a newcomer asks
// for them when it has joined, and a member that was away when it is back. They are sealed to the
// key in the asker's grant.
//
// A stranger without a code learns nothing but that its request was refused. Requests are bounded
// in size and time, and in number at once. The package starts no goroutine but those that libp2p
// runs handlers in; Server.Close waits for them.
package joining
