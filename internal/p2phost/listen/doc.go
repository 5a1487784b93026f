// Package listen plans on which addresses a host listens. It finds out which ports are free,
// chooses free ones, and remembers the ports that were chosen in earlier runs, here and by the
// router.
//
// It accepts no connection: it opens a socket for a moment to see whether it may, and holds a UDP
// socket as a claim until the host listens. It starts no goroutine. PortFile.mu is held while the
// file is written; no other lock is taken under it.
package listen
