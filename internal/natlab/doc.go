// Package natlab is a small internet on one machine: a public network, homes behind routers
// with the kinds of NAT that people have, and hosts in them, each a network
// namespace. Links are as fast as the machine, unless their speed is bounded, or they are
// made long, with delay and loss. Its tests run the program itself there and measure.
//
// A lab belongs to one test, which needs root, iproute2 and nftables, and P2PCHORD_NATLAB=1;
// without them the test is skipped. Names carry the process's ID, so that labs of several processes
// don't meet; all is removed when the test ends. No packet leaves the machine.
//
// Nothing of the product imports it, and it knows nothing of the product but its command line.
package natlab
