// Package request sends requests of the file protocol to peers. It holds what both sides of a node
// use: the operations of package transfer, which put and read files, and the replication between
// the members. It decides nothing about files or copies and knows neither the disk nor the ring.
package request
