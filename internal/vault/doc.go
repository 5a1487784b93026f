// Package vault encrypts files where they are written and decrypts them where they are read, so
// that the peers that hold them see neither contents nor names.
//
// A Vault has a name key, which makes the names under which the ring keeps files, and a content key
// for each epoch. What the ring gets is an ordinary file under an opaque name: records, hashes, and
// signatures are over ciphertext, so holders verify and repair it without any key. A File has the
// keys of one file: for its blocks, each at any offset, and for its description, which travels in
// the record.
//
// SPEC.md, section 9b, is the specification; the vectors are in protocol/testdata/vault.json. The
// primitives are BLAKE3 (derive_key and keyed hash), AES-256-CTR, XChaCha20-Poly1305, and HPKE.
// Integrity of blocks comes from the record, whose signature and hashes are checked before anything
// is decrypted.
//
// It does no I/O and knows neither store, node, nor package transfer. Keys never appear in what it
// prints: all types that hold one format as "secret".
package vault
