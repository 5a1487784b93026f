// Package quorum reads the record of a file without trusting any single member: several have to
// confirm the version that a reader gets, or that there is no file.
//
// Usually the owner of the name and its witness are asked at the same time, and agree. If they
// don't, or the owner answers that there is no file, further holders are asked, and package replica
// concludes from what all of them show. See docs/replication.md and docs/decisions/0180.
//
// Production and simulation run this very code: it waits and starts processes through env.Env only.
// It verifies every record, and believes no peer. Each process that a method starts ends before the
// method returns. The locks of witnesses and Conflicts guard their own fields, and are not held
// while anybody is asked.
package quorum
