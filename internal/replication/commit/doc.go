// Package commit makes sure that the later blocks of a file are held when the file's record is
// acknowledged. Others own these blocks, so the record commits them only when they are held in as
// many copies as their acknowledgements have promised.
//
// The owner of the file has the blocks' owners count the copies; Serve is the other side. While a
// file is being committed (InProgress), its owner tells nobody that no version of the file uses a
// block. The package writes nothing. Hold starts processes and awaits them. Each of its locks
// guards one small state, and is held while nothing else is called.
package commit
