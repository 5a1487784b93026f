package check

import (
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// FileRequest checks a request of the file protocol. from has sent it.
func FileRequest(from Asker, req *pb.FileRequest) error {
	if err := checkRequestBody(req); err != nil {
		return err
	}
	switch r := req.GetBody().(type) {
	case *pb.FileRequest_Put:
		return checkRecord(r.Put.GetRecord())
	case *pb.FileRequest_Get:
		if r.Get.GetVersion() != nil {
			if err := signed.CheckVersion(r.Get.GetVersion()); err != nil {
				return err
			}
		}
		if w := r.Get.GetWitness(); w != nil {
			if err := checkConfirm(w); err != nil {
				return err
			}
		}
		return firstError(signed.ValidName(r.Get.GetName()), checkMost("bytes of a stamp", len(r.Get.GetLeast()), MaxStamp))
	case *pb.FileRequest_Block:
		return firstError(
			checkLength("a block's hash", len(r.Block.GetHash()), signed.HashSize),
			checkMost("bytes to leave out", int(r.Block.GetOffset()), signed.MaxBody),
			checkMost("bytes of a part", int(r.Block.GetLength()), signed.MaxBody),
		)
	case *pb.FileRequest_Have:
		return checkHave(r.Have)
	case *pb.FileRequest_List:
		return firstError(
			checkMost("bytes of a prefix", len(r.List.GetPrefix()), signed.MaxName),
			checkMost("bytes of a name", len(r.List.GetAfter()), signed.MaxName),
			checkKeys(r.List.GetAfterKey()),
		)
	case *pb.FileRequest_Stat:
		return signed.ValidName(r.Stat.GetName())
	case *pb.FileRequest_Word:
		_, err := signed.ParsePeerID(r.Word.GetOwner())
		return firstError(err, signed.ValidName(r.Word.GetName()))
	}
	return checkMemberRequest(from, req)
}

// checkMemberRequest checks what only members of the ring ask.
func checkMemberRequest(from Asker, req *pb.FileRequest) error {
	switch r := req.GetBody().(type) {
	case *pb.FileRequest_Store:
		if r.Store.GetRecordOnly() && req.GetBodySize() > 0 {
			return frame.Malformed("a body where only the record is to be stored")
		}
		return checkRecord(r.Store.GetRecord())
	case *pb.FileRequest_Confirm:
		return checkConfirm(r.Confirm)
	case *pb.FileRequest_Grant:
		return checkSender(from, r.Grant.GetFrom())
	case *pb.FileRequest_Claim:
		if r.Claim.GetGrant() == nil {
			return frame.Malformed("a claim without a grant")
		}
		return firstError(checkPeer(r.Claim.GetPredecessor()), checkSender(from, r.Claim.GetFrom()))
	case *pb.FileRequest_Digest:
		return checkDigest(r.Digest)
	case *pb.FileRequest_Inventory:
		return checkInventory(r.Inventory)
	case *pb.FileRequest_Pull:
		return checkItems(r.Pull.GetItems())
	case *pb.FileRequest_Release:
		return checkItems(r.Release.GetItems())
	case *pb.FileRequest_Retract:
		return checkRetract(r.Retract)
	case *pb.FileRequest_Collect:
		return checkItems(r.Collect.GetItems())
	case *pb.FileRequest_Count:
		return checkCount(r.Count)
	}
	return frame.Malformed("a file request of no kind that is known here")
}

func checkRequestBody(req *pb.FileRequest) error {
	size := req.GetBodySize()
	if size > 0 && req.GetPut() == nil && req.GetStore() == nil {
		return frame.Malformed("bytes after a request that has none")
	}
	switch {
	case size > signed.MaxBody:
		return frame.Malformed("%d bytes after a request, more than %d", size, signed.MaxBody)
	case req.GetOffer() && size == 0:
		return frame.Malformed("an offer of no bytes")
	case !req.GetOffer() && size > MaxImmediateBody:
		return frame.Malformed("%d bytes at once, more than %d: offer them first", size, MaxImmediateBody)
	}
	return nil
}

func checkRecord(r *pb.Record) error {
	if r == nil {
		return frame.Malformed("the record is missing")
	}
	return checkMost("bytes of a record", len(r.GetBody()), signed.MaxRecord)
}

func checkRecords(records []*pb.Record, most int) error {
	if err := checkMost("records", len(records), most); err != nil {
		return err
	}
	for _, r := range records {
		if err := checkRecord(r); err != nil {
			return err
		}
	}
	return nil
}

func checkHave(h *pb.Have) error {
	for _, hash := range h.GetHashes() {
		if err := checkLength("a block's hash", len(hash), signed.HashSize); err != nil {
			return err
		}
	}
	return checkMost("hashes", len(h.GetHashes()), MaxHashes)
}

// checkConfirm lets a name and a stamp be left out: the question is then for the grant alone.
func checkConfirm(c *pb.Confirm) error {
	switch {
	case c.GetGrant() == nil:
		return frame.Malformed("a question for a grant that names none")
	case c.GetName() == "" && len(c.GetStamp()) == 0:
		return nil
	}
	for _, p := range c.GetHolders() {
		if err := checkPeer(p); err != nil {
			return err
		}
	}
	return firstError(
		signed.ValidName(c.GetName()),
		checkMost("bytes of a stamp", len(c.GetStamp()), MaxStamp),
		checkMost("holders", len(c.GetHolders()), MaxPeers),
	)
}

func checkDigest(d *pb.Digest) error {
	if d.GetTable() && len(d.GetRows()) > 0 {
		return frame.Malformed("the table's rows and the keys of some")
	}
	for _, row := range d.GetRows() {
		if row > 0xff {
			return frame.Malformed("%d is not a row: rows go to 255", row)
		}
	}
	return firstError(checkMost("rows", len(d.GetRows()), 256), checkKeys(d.GetFirst(), d.GetLast()))
}

func checkInventory(i *pb.Inventory) error {
	if i.GetAfter() != nil {
		if err := checkItem(i.GetAfter()); err != nil {
			return err
		}
	}
	for at, key := range i.GetKeys() {
		if at > 0 && key <= i.GetKeys()[at-1] {
			return frame.Malformed("the keys of an inventory don't ascend: %d comes after %d", key, i.GetKeys()[at-1])
		}
	}
	return firstError(checkKeys(i.GetFirst(), i.GetLast()), checkKeys(i.GetKeys()...))
}

func checkItems(items []*pb.Item) error {
	if err := checkMost("items", len(items), MaxItems); err != nil {
		return err
	}
	for _, item := range items {
		if err := checkItem(item); err != nil {
			return err
		}
	}
	return nil
}

func checkCount(c *pb.CountCopies) error {
	for _, i := range c.GetItems() {
		if i.GetIndex() == 0 || len(i.GetStamp()) != signed.HashSize {
			return frame.Malformed("copies are counted of later blocks, by their hashes")
		}
	}
	return checkItems(c.GetItems())
}

func checkItem(i *pb.Item) error {
	if i.GetIndex() >= signed.MaxBlocks {
		return frame.Malformed("block %d is past the last that a file may have, %d", i.GetIndex(), signed.MaxBlocks-1)
	}
	if n := len(i.GetStamp()); n == 0 || n > MaxStamp {
		return frame.Malformed("a stamp has %d bytes, not 1 to %d", n, MaxStamp)
	}
	return signed.ValidName(i.GetName())
}

// checkRetract lets a peer give up a bounded number of records; whoever gets them looks what they
// are.
func checkRetract(r *pb.Retract) error {
	if len(r.GetRecords()) == 0 {
		return frame.Malformed("nothing is given up")
	}
	return checkRecords(r.GetRecords(), MaxRetracted)
}
