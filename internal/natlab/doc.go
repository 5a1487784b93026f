// Package natlab builds a small internet on one machine: a public network, homes behind routers
// with common kinds of NAT, and hosts in them. Each host and router is a network namespace. Links
// are as fast as the machine, unless they are given a speed, or delay and loss. The tests run the
// program there and measure.
//
// A lab belongs to one test. It needs root, iproute2, nftables, and P2PCHORD_NATLAB=1; otherwise
// the test is skipped. The names of namespaces contain the process ID, so labs of several processes
// don't interfere. They are removed when the test ends. No packet leaves the machine.
//
// No package of the product imports this one, and it uses the product through its command line
// only.
package natlab
