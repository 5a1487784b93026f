package signed

// Limits of what is signed.
const (
	MaxName      = 1024     // bytes of a file name
	MaxPeerID    = 64       // bytes of a peer ID; those in use have 34 to 42
	MaxPeerProof = 1024     // bytes of a ring signature, or of a record's; RSA-4096 has 512
	MaxEnvelope  = 8192     // bytes of a signed peer record, libp2p's own limit
	HashSize     = 32       // bytes of a BLAKE3-256 hash
	MaxBody      = 32 << 20 // bytes of the largest block
)
