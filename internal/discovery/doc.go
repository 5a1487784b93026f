// Package discovery finds the peers of a ring on the local network, by multicast DNS, and lets them
// find this one.
//
// It decides nothing about what it finds: who answers may be anybody. Each service has goroutines
// of its own, which Close ends; Config.Found is called by one of them and must not block.
package discovery
