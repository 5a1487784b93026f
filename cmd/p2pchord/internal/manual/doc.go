// Package manual writes manual pages from the help texts of the commands.
//
// Equal programs write equal pages: nothing in a page depends on the time, the machine, or the
// user.
//
// Generators for cobra don't replace it (checked: cobra/doc v1.10.2, mango-cobra v1.3.0). The
// former would link a Markdown parser into the program that has had no release since 2020. It reads
// help texts as Markdown, and has no place for exit codes, environment, and files. The latter
// writes one page for all commands, dates it with the present day, and needs packages without a
// release since 2022.
package manual
