package replica

// Shown is what one holder of a name has shown to a reader.
type Shown struct {
	Answered bool
	// Version is the greatest version that it has, zero for none. The reader has verified it.
	Version Version
	Deleted bool // that version is a tombstone
}

// live reports whether there is a file.
func (s Shown) live() bool { return !s.Version.IsZero() && !s.Deleted }

// Reading is what a reader knows of a name whose owner and witness have not simply agreed (see
// Vote.Agrees), or that its owner says it doesn't have. One of those asked may lie. None of them
// can make up a version, which its writer has signed.
type Reading struct {
	// Owner is the owner's answer, which it has had confirmed by its witness. Answered is false if
	// it has shown no valid record: that isn't its word that it has none.
	Owner Shown
	// AskedAgain says that the owner has been told of the greatest version that others have shown,
	// and has had time to get it from them.
	AskedAgain bool
	// Witness is what the witness has. Voted says that it has affirmed that the owner is the owner.
	Witness Shown
	Voted   bool
	// Others are further holders.
	Others []Shown
}

// Finding is what a reader concludes.
type Finding uint8

const (
	// Unsettled says that nothing is certain: the reader has to try again.
	Unsettled Finding = iota
	// OwnerRight says that the owner's answer counts.
	OwnerRight
	// AskOwner says that a holder has shown a greater version than the owner, which has to be asked
	// again.
	AskOwner
	// HolderRight says that a holder's version counts, because the owner doesn't get it.
	HolderRight
	// Absent says that the name has no file.
	Absent
)

// Judge concludes. The greatest version counts, whoever shows it. That there is no file needs all
// three: the owner, the witness, and another holder; in a ring of two there is no other. from is
// the index of the holder that AskOwner and HolderRight are about: 0 is the witness, the others
// follow. See docs/replication.md.
func (r Reading) Judge() (finding Finding, from int) {
	greatest, from := r.Owner, -1
	for i, s := range r.holders() {
		if s.Answered && s.Version.Compare(greatest.Version) > 0 {
			greatest, from = s, i
		}
	}
	switch {
	case from >= 0 && (r.Owner.live() || greatest.live()):
		if !r.AskedAgain {
			return AskOwner, from
		}
		return HolderRight, from
	case !r.Owner.live():
		if r.Owner.Answered && r.Voted && r.allAnswered() {
			return Absent, -1
		}
		return Unsettled, -1
	case r.Voted && (r.Witness.Version == r.Owner.Version || len(r.Others) == 0 || r.anyAnswered()):
		return OwnerRight, -1
	case r.shownByAnother():
		return OwnerRight, -1
	default:
		return Unsettled, -1
	}
}

func (r Reading) holders() []Shown { return append([]Shown{r.Witness}, r.Others...) }

func (r Reading) allAnswered() bool {
	for _, s := range r.holders() {
		if !s.Answered {
			return false
		}
	}
	return true
}

func (r Reading) anyAnswered() bool {
	for _, s := range r.Others {
		if s.Answered {
			return true
		}
	}
	return false
}

// shownByAnother reports whether another holder than the witness has the owner's version.
func (r Reading) shownByAnother() bool {
	for _, s := range r.Others {
		if s.Answered && s.Version == r.Owner.Version {
			return true
		}
	}
	return false
}
