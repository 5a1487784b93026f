// Command bench compares p2pchord with other ways to move a file, over this machine's loopback and
// with real processes: a bootstrap peer, three nodes, and a client that isn't a member. All of them
// run the binary that it builds from this tree.
//
//	go run ./bench                         the whole table: 5 rounds, 1 GiB, 1,000 files
//	go run ./bench -rounds 1 -size 64MiB   a first look
//	go run ./bench -dir /dev/shm           on a file system in memory: everything but the disk
//
// Each round starts a new ring with empty folders and runs every measurement once, so that
// disturbances of the machine affect all measurements alike. The table shows medians. A time covers
// a whole command, from its start to its exit. Tools that are not installed are skipped, and the
// table says so.
//
// It uses only loopback and one temporary folder. It ends its processes and removes its files, even
// when it is interrupted. docs/benchmarks.md explains the table.
package main
