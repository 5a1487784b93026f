// Package standby takes a node out of the ring while its disk fails. Others own its arc then, and
// are witnesses in its place, and it is only read from. When the disk can be written again, it
// returns.
//
// What is done when is decided by replica.Standby; see docs/decisions/0116. The package opens no
// file and sends no request: the store and the ring do that.
//
// Its only process is Run, which the owner of a Standby starts. The lock guards what other
// processes ask for, and none is taken under it.
package standby
