package statement

// Limits of one statement.
const (
	// MaxSize bounds body and signature in bytes, without the attachment.
	MaxSize = 4 << 10
	// MaxAttachment bounds the attachment of a Keys in bytes.
	MaxAttachment = 512 << 10
	// MaxEncoded bounds an encoded Statement in bytes.
	MaxEncoded = MaxSize + MaxAttachment + 64

	MaxLabel     = 64   // bytes of a label, or of a network's name
	MaxPlace     = 260  // bytes of a place on the ring: HOST:PORT
	MaxWhy       = 200  // bytes of the reason for a revocation
	MaxSealKey   = 2048 // bytes of a public key for sealing
	MaxRecovery  = 12   // recovery keys
	MaxCuts      = 32   // issuers that one statement cuts off
	SaltSize     = 16
	CheckSize    = 16
	VaultSize    = 5
	narrowedSize = HashSize
)

// Limits of a set of statements, which package network keeps.
const (
	MaxStatements = 16384
	MaxTotal      = 8 << 20 // bytes, without attachments
)
