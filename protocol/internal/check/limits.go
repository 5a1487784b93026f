package check

// Limits of what messages hold. Package protocol has them too.
const (
	MaxStamp     = 255  // bytes of a stamp
	MaxPeers     = 64   // peers in one list of a message, but for a roster
	MaxHops      = 64   // peers that a lookup may be passed on to
	MaxHashes    = 1024 // hashes in a Have
	MaxRetracted = 256  // records in a Retract
	// items in a Pull, a Release or an answer to Inventory, and files in a Listed
	MaxItems    = 2048
	MaxSiblings = 16    // siblings of a record in one answer
	MaxRoster   = 4096  // peers in one part of a roster
	SumSize     = 16    // bytes of a digest's sum
	MaxTimeout  = 60000 // milliseconds that a lookup may ask for

	// MaxImmediateBody is the most raw bytes that follow a request without an offer before them. It
	// fits into the first window of every stream multiplexer in use.
	MaxImmediateBody = 64 << 10

	ChallengeSize = 32 // bytes of a challenge of the instance protocol
	MaxProofs     = 8  // proofs in one answer of it

	// maxInstance bounds an encoded Instance in bytes, with room for fields to come.
	maxInstance = 256
	// maxProofAddress bounds the address beside a proof in bytes.
	maxProofAddress = 1024
)
