package check

import (
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// FileResponse checks the last answer to a request, not those that say "need"
// or "working". Of a failure it leaves the status, the message, a better peer, and what
// is said to be stored.
func FileResponse(req *pb.FileRequest, resp *pb.FileResponse) error {
	if err := checkAnswerBody(req, resp); err != nil {
		return err
	}
	if err := checkPeerIfSet(resp.GetBetter()); err != nil {
		return err
	}
	if resp.GetStatus() == 0 {
		return firstError(checkAnswer(resp), checkAnswerFits(req, resp))
	}
	if resp.GetStored() == nil {
		resp.Body = nil
	}
	return checkAnswer(resp)
}

func checkAnswerBody(req *pb.FileRequest, resp *pb.FileResponse) error {
	size := resp.GetBodySize()
	switch {
	case size == 0:
		return nil
	case resp.GetStatus() != 0:
		return frame.Malformed("bytes after a failure")
	case size > signed.MaxBody:
		return frame.Malformed("%d bytes after an answer, more than %d", size, signed.MaxBody)
	case !req.GetGet().GetWithBody() && req.GetBlock() == nil:
		return frame.Malformed("bytes after an answer that has none")
	}
	return nil
}

// checkAnswer checks what an answer holds, whatever was asked.
func checkAnswer(resp *pb.FileResponse) error {
	switch r := resp.GetBody().(type) {
	case *pb.FileResponse_Stored:
		return checkStored(r.Stored)
	case *pb.FileResponse_Got:
		return firstError(
			checkRecord(r.Got.GetRecord()),
			checkRecords(r.Got.GetSiblings(), MaxSiblings),
			checkPeers(r.Got.GetHolders(), MaxPeers),
		)
	case *pb.FileResponse_Listed:
		return checkListed(r.Listed)
	case *pb.FileResponse_Stats:
		return checkStats(r.Stats)
	case *pb.FileResponse_Granted:
		if r.Granted.GetId() == nil {
			return frame.Malformed("a grant without an ID")
		}
		return checkPeerIfSet(r.Granted.GetPredecessor())
	case *pb.FileResponse_Claimed:
		if n := r.Claimed.GetNeighbours(); n != nil {
			if err := checkNeighbors(n); err != nil {
				return err
			}
		}
		return checkPeerIfSet(r.Claimed.GetGrantee())
	case *pb.FileResponse_Released:
		return checkPeerIfSet(r.Released.GetPredecessor())
	case *pb.FileResponse_Word:
		return checkConfirm(r.Word)
	case *pb.FileResponse_Digests:
		for _, sum := range r.Digests.GetSums() {
			if err := checkLength("a sum", len(sum), SumSize); err != nil {
				return err
			}
		}
	case *pb.FileResponse_Items:
		return checkItems(r.Items.GetItems())
	case *pb.FileResponse_Records:
		return checkRecords(r.Records.GetRecords(), MaxItems)
	}
	return nil
}

func checkStored(s *pb.Stored) error {
	for _, id := range s.GetHolders() {
		if _, err := signed.ParsePeerID(id); err != nil {
			return err
		}
	}
	if s.GetCurrent() != nil {
		if err := checkRecord(s.GetCurrent()); err != nil {
			return err
		}
	}
	return firstError(checkMost("holders", len(s.GetHolders()), MaxPeers), checkMost("missing blocks", len(s.GetMissing()), MaxItems), checkPeerIfSet(s.GetOwner()))
}

func checkListed(l *pb.Listed) error {
	if err := checkMost("files", len(l.GetFiles()), MaxItems); err != nil {
		return err
	}
	for _, f := range l.GetFiles() {
		if err := firstError(
			signed.ValidName(f.GetName()),
			checkLength("a file's hash", len(f.GetHash()), signed.HashSize),
			signed.CheckVersion(f.GetVersion()),
		); err != nil {
			return err
		}
	}
	return nil
}

func checkStats(s *pb.Stats) error {
	if err := checkMost("holders", len(s.GetHolders()), MaxPeers); err != nil {
		return err
	}
	for _, h := range s.GetHolders() {
		if err := checkPeer(h.GetPeer()); err != nil {
			return err
		}
	}
	return firstError(checkRecord(s.GetRecord()), checkRecords(s.GetSiblings(), MaxSiblings))
}

// checkAnswerFits checks that a success answers what was asked, in full.
func checkAnswerFits(req *pb.FileRequest, resp *pb.FileResponse) error {
	fits := true
	switch r := req.GetBody().(type) {
	case *pb.FileRequest_Put:
		fits = resp.GetStored() != nil
	case *pb.FileRequest_Get:
		fits = resp.GetGot() != nil
	case *pb.FileRequest_Have:
		fits = len(resp.GetHeld().GetHeld()) == len(r.Have.GetHashes())
	case *pb.FileRequest_List:
		fits = resp.GetListed() != nil
	case *pb.FileRequest_Stat:
		fits = resp.GetStats() != nil
	case *pb.FileRequest_Grant:
		fits = resp.GetGranted() != nil
	case *pb.FileRequest_Claim:
		fits = resp.GetClaimed() != nil
	case *pb.FileRequest_Digest:
		fits = len(resp.GetDigests().GetSums()) == sumsOf(r.Digest)
	case *pb.FileRequest_Inventory:
		fits = resp.GetItems() != nil
	case *pb.FileRequest_Pull:
		fits = len(resp.GetRecords().GetRecords()) <= len(r.Pull.GetItems())
	case *pb.FileRequest_Word:
		fits = resp.GetWord().GetName() == r.Word.GetName()
	case *pb.FileRequest_Count:
		n := len(r.Count.GetItems())
		fits = len(resp.GetCounted().GetCopies()) == n && (r.Count.GetHere() || len(resp.GetCounted().GetPromised()) == n)
	case *pb.FileRequest_Release:
		fits = len(resp.GetReleased().GetVerdicts()) == len(r.Release.GetItems())
	}
	if !fits {
		return frame.Malformed("an answer that does not fit the question")
	}
	return nil
}

// sumsOf is how many sums d asks for.
func sumsOf(d *pb.Digest) int {
	switch {
	case len(d.GetRows()) > 0:
		return 256 * len(d.GetRows())
	case d.GetTable():
		return 256
	}
	return 1
}
