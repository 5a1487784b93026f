// Package clocks tells which time counts. Other members report their clocks with their answers.
// If most of them show another time than this machine's clock, theirs is the present, by which ages
// are told and the dates of new versions are judged.
//
// It asks nobody, sets no clock, and starts no process. Its only lock guards the reports, and is
// held while nothing else is called.
package clocks
