// Package nodehealth says in sentences what a node can see of trouble by itself: its disk, its
// place in the ring, its neighbors, its copies, its clock.
//
// It works on facts that its caller has gathered, and does no I/O.
package nodehealth
