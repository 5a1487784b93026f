// Package quarantine keeps records that are so old that a delete may have been forgotten meanwhile
// from counting. A record leaves quarantine when another peer has it too, or when no peer can know
// of a delete.
//
// It decides nothing: replica.Grace says how old is too old, and replica.Believed who is believed.
// It removes no record. Who attests copies, and when, is the caller's business. The package starts
// processes and awaits them. Its only lock guards what is known of attestations, and is held while
// nothing else is called.
package quarantine
