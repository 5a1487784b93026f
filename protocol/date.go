package protocol

import "github.com/p2pchord/p2pchord/internal/certdate"

// WrongDate reports whether a peer could not be reached because its certificate is not valid by
// this machine's clock.
func WrongDate(err error) bool { return certdate.Invalid(err) }
