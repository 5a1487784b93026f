// Command bench measures p2pchord beside other ways to move a file, on this machine's
// loopback, with real processes: a bootstrap peer, three nodes and a client that
// passes through, all of them the binary that it builds from this tree.
//
//	go run ./bench                         the whole table: 5 rounds, 1 GiB, 1,000 files
//	go run ./bench -rounds 1 -size 64MiB   a first look
//	go run ./bench -dir /dev/shm           on a file system in memory: everything but the disk
//
// Each round starts a ring of its own with empty folders and runs every measurement
// once, so that what disturbs the machine disturbs all of them alike; the table has the
// medians. A time is that of a whole command, from its start to its exit. What is not
// installed is left out, and the table says so.
//
// It uses only loopback and one temporary folder, and ends and removes all that it
// made, also when it is interrupted. docs/benchmarks.md says how to read the table.
package main
