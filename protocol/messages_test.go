package protocol

import (
	"bytes"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol/pb"
)

// example is one message of one kind, with every field that matters set.
type example struct {
	name     string
	message  proto.Message
	question proto.Message // for an answer: what was asked
}

// examples has a message of every kind. The vectors are made of it.
func examples() []example {
	return slices.Concat(ringExamples(), bootstrapExamples(), fileExamples(), memberExamples(), instanceExamples())
}

func instanceExamples() []example {
	challenge := bytes.Repeat([]byte{7}, ChallengeSize)
	find := &pb.InstanceRequest{Body: &pb.InstanceRequest_Find{Find: &pb.FindInstances{Challenge: challenge}}}
	proof := must(SignInstance(fixedKey(1), challenge, &pb.Instance{Started: 1_800_000_000_000, Nonce: 0x0102030405060708, Member: true}))
	proof.Address = "/ip4/192.0.2.1/tcp/4701"
	return []example{
		{name: "instance request prove", message: &pb.InstanceRequest{Body: &pb.InstanceRequest_Prove{Prove: &pb.ProveInstance{Challenge: challenge}}}},
		{name: "instance request find", message: find},
		{name: "instance request review", message: &pb.InstanceRequest{Body: &pb.InstanceRequest_Review{Review: &pb.ReviewInstances{}}}},
		{"instance answer with a proof", InstanceAnswer(proof), find},
	}
}

func exampleNeighbors() *pb.Neighbours {
	return &pb.Neighbours{
		Self:         fixedPeer(1, "localhost:8001"),
		Predecessors: []*pb.Peer{fixedPeer(2, "localhost:8002")},
		Successors:   []*pb.Peer{fixedPeer(3, ""), fixedPeer(2, "localhost:8002")},
		Incorporated: true,
		Joined:       true,
	}
}

func exampleRecord(body *pb.RecordBody) *pb.Record { return must(Sign(fixedKey(1), body)) }

func ringExamples() []example {
	self, near := fixedPeer(1, "localhost:8001"), exampleNeighbors()
	req := func(name string, r *pb.RingRequest) example { return example{name: "ring request " + name, message: r} }
	ask := &pb.RingRequest{Body: &pb.RingRequest_Neighbours{Neighbours: &pb.GetNeighbours{From: self}}}
	find := &pb.RingRequest{Body: &pb.RingRequest_Find{Find: &pb.Find{Key: 58795, Id: []byte(fixedID(4)), Hops: 32, Path: true, Join: true, TimeoutMs: 5000}}}
	local := &pb.RingRequest{Body: &pb.RingRequest_Find{Find: &pb.Find{Key: 20209, Local: true}}}
	answer := func(name string, q *pb.RingRequest, r *pb.RingResponse) example {
		return example{"ring answer " + name, r, q}
	}
	return []example{
		req("ping", ping()),
		req("ping through another", &pb.RingRequest{Body: &pb.RingRequest_Ping{Ping: &pb.Ping{Target: []byte(fixedID(3))}}}),
		req("neighbours", ask),
		req("notify", &pb.RingRequest{Body: &pb.RingRequest_Notify{Notify: &pb.Notify{From: self}}}),
		req("find", find),
		req("find local", local),
		req("depart", &pb.RingRequest{Body: &pb.RingRequest_Depart{Depart: &pb.Depart{From: near}}}),
		answer("done", ping(), &pb.RingResponse{}),
		answer("done with the time", ping(), &pb.RingResponse{TimeMs: 1_800_000_000_000}),
		answer("busy", ask, &pb.RingResponse{Status: 14, Message: "in the middle of a step"}),
		answer("neighbours", ask, &pb.RingResponse{Body: &pb.RingResponse_Neighbours{Neighbours: near}}),
		answer("found", find, &pb.RingResponse{Body: &pb.RingResponse_Found{Found: &pb.Found{Owner: near, Path: []*pb.Peer{fixedPeer(2, "localhost:8002"), self}, Hops: 1}}}),
		answer("found next", local, &pb.RingResponse{Body: &pb.RingResponse_Found{Found: &pb.Found{Next: []*pb.Peer{fixedPeer(2, "localhost:8002"), fixedPeer(3, "")}}}}),
	}
}

func bootstrapExamples() []example {
	self := fixedPeer(1, "localhost:8001")
	register := &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Register{Register: &pb.Register{Self: self}}}
	roster := &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Roster{Roster: &pb.GetRoster{After: []byte(fixedID(1)), Limit: 100}}}
	beat := &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Heartbeat{Heartbeat: &pb.Heartbeat{Self: self, Joined: true}}}
	return []example{
		{name: "bootstrap request register", message: register},
		{name: "bootstrap request introduce", message: &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Introduce{Introduce: &pb.Introduce{Key: 20209}}}},
		{name: "bootstrap request heartbeat", message: beat},
		{name: "bootstrap request goodbye", message: &pb.BootstrapRequest{Body: &pb.BootstrapRequest_Goodbye{Goodbye: &pb.Goodbye{}}}},
		{name: "bootstrap request roster", message: roster},
		{"bootstrap answer introduced", &pb.BootstrapResponse{Body: &pb.BootstrapResponse_Introduced{Introduced: &pb.Introduced{
			Peers: []*pb.Peer{fixedPeer(2, "localhost:8002")}, HeartbeatMs: 3000, Found: true, Settling: true, Members: 1,
		}}}, register},
		{"bootstrap answer try again", &pb.BootstrapResponse{Status: 5, Message: "too many requests", RetryAfterMs: 250}, roster},
		{"bootstrap answer unknown", &pb.BootstrapResponse{Status: 3, Message: "not in the roster"}, beat},
		{"bootstrap answer roster", &pb.BootstrapResponse{Body: &pb.BootstrapResponse_Roster{Roster: &pb.Roster{Peers: []*pb.Peer{fixedPeer(2, "localhost:8002")}, More: true}}}, roster},
	}
}

func fileExamples() []example {
	record, tomb := exampleRecord(oneBlock()), exampleRecord(tombstone())
	version := &pb.Version{Clock: testClock, Writer: []byte(fixedID(1))}
	holder := fixedPeer(2, "localhost:8002")
	put := &pb.FileRequest{BodySize: 5, Body: &pb.FileRequest_Put{Put: &pb.Put{Record: record, WaitAll: true}}}
	offer := &pb.FileRequest{BodySize: MinBlockSize, Offer: true, Body: &pb.FileRequest_Put{Put: &pb.Put{Record: exampleRecord(threeBlocks())}}}
	get := &pb.FileRequest{Body: &pb.FileRequest_Get{Get: &pb.Get{Name: "hello.txt", WithBody: true, Version: version}}}
	block := &pb.FileRequest{Body: &pb.FileRequest_Block{Block: &pb.GetBlock{Hash: hashOf("c"), Offset: 4096}}}
	have := &pb.FileRequest{Body: &pb.FileRequest_Have{Have: &pb.Have{Hashes: [][]byte{hashOf("a"), hashOf("b")}}}}
	list := &pb.FileRequest{Body: &pb.FileRequest_List{List: &pb.List{Prefix: "photos/", After: "photos/1", AfterKey: 7, More: true, Limit: 100}}}
	stat := &pb.FileRequest{Body: &pb.FileRequest_Stat{Stat: &pb.Stat{Name: "hello.txt"}}}
	both := &pb.FileRequest{Body: &pb.FileRequest_Get{Get: &pb.Get{Name: "hello.txt", WithBody: true, Unconfirmed: true}}}
	word := &pb.FileRequest{Body: &pb.FileRequest_Word{Word: &pb.AskWord{Name: "hello.txt", Owner: []byte(fixedID(2))}}}
	grant := &pb.GrantID{Nonce: 1 << 40, Counter: 9}
	stamp := []byte(StampOfVersion(testClock, fixedID(1)))
	files := []*pb.Listing{{Name: "photos/2", Size: 5, Hash: hashOf("hello"), Version: version, Modified: 1_790_000_000_000, ModifiedNanos: 250, Mode: 0o644, Copies: 3}}
	return []example{
		{name: "file request put", message: put},
		{name: "file request put offered", message: offer},
		{name: "file request get", message: get},
		{name: "file request block", message: block},
		{name: "file request get of a deleted file", message: &pb.FileRequest{Body: &pb.FileRequest_Get{Get: &pb.Get{Name: "hello.txt", Tombstone: true}}}},
		{name: "file request block for a copy", message: &pb.FileRequest{Body: &pb.FileRequest_Block{Block: &pb.GetBlock{Hash: hashOf("c"), Repair: true}}}},
		{name: "file request block after a mismatch", message: &pb.FileRequest{Body: &pb.FileRequest_Block{Block: &pb.GetBlock{Hash: hashOf("c"), Check: true}}}},
		{name: "file request have", message: have},
		{name: "file request list", message: list},
		{name: "file request stat", message: stat},
		{name: "file request get unconfirmed", message: both},
		{name: "file request word", message: word},
		{"file answer need", &pb.FileResponse{Need: true}, offer},
		{"file answer working", &pb.FileResponse{Working: true}, offer},
		{"file answer stored", &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: &pb.Stored{
			Copies: 2, Wanted: 3, Holders: [][]byte{[]byte(fixedID(1)), []byte(fixedID(2))}, Owner: fixedPeer(1, "localhost:8001"),
		}}}, put},
		{"file answer put not allowed", &pb.FileResponse{
			Status: 8, Message: "there is another version", Body: &pb.FileResponse_Stored{Stored: &pb.Stored{Current: record}},
		}, put},
		{"file answer blocks missing", &pb.FileResponse{
			Status: 8, Message: "blocks are held nowhere", Body: &pb.FileResponse_Stored{Stored: &pb.Stored{Missing: []uint32{1, 7}}},
		}, put},
		{"file answer not owner", &pb.FileResponse{Status: 11, Message: "the key belongs to another peer", Better: holder}, put},
		{"file answer got", &pb.FileResponse{BodySize: 5, Body: &pb.FileResponse_Got{Got: &pb.Got{
			Record: record, Siblings: []*pb.Record{tomb}, Holders: []*pb.Peer{holder},
		}}}, get},
		{"file answer got unconfirmed", &pb.FileResponse{BodySize: 5, Body: &pb.FileResponse_Got{Got: &pb.Got{
			Record: record, Holders: []*pb.Peer{holder}, Grant: grant,
		}}}, both},
		{"file answer word", &pb.FileResponse{Body: &pb.FileResponse_Word{Word: &pb.Confirm{Grant: grant, Name: "hello.txt", Stamp: stamp}}}, word},
		{"file answer not found", &pb.FileResponse{Status: 3, Message: "no such file"}, get},
		{"file answer block", &pb.FileResponse{BodySize: 1024}, block},
		{"file answer held", &pb.FileResponse{Body: &pb.FileResponse_Held{Held: &pb.Held{Held: []bool{true, false}}}}, have},
		{"file answer listed", &pb.FileResponse{Body: &pb.FileResponse_Listed{Listed: &pb.Listed{Files: files, More: true}}}, list},
		{"file answer stats", &pb.FileResponse{Body: &pb.FileResponse_Stats{Stats: &pb.Stats{
			Record: record, Siblings: []*pb.Record{tomb}, Holders: []*pb.Holder{{Peer: holder, Owner: true, Complete: true}},
		}}}, stat},
	}
}

func memberExamples() []example {
	self, near, grant := fixedPeer(1, "localhost:8001"), exampleNeighbors(), &pb.GrantID{Nonce: 1 << 40, Counter: 9}
	record := exampleRecord(oneBlock())
	stamp := []byte(StampOfVersion(testClock, fixedID(1)))
	items := []*pb.Item{{Name: "hello.txt", Stamp: stamp, Complete: true}, {Name: "large.bin", Index: 2, Stamp: hashOf("c")}}
	sum := make([]byte, SumSize)
	sum[15] = 1
	store := &pb.FileRequest{BodySize: 5, Body: &pb.FileRequest_Store{Store: &pb.Store{Record: record, Grant: grant}}}
	witness := &pb.FileRequest{Body: &pb.FileRequest_Get{Get: &pb.Get{Name: "hello.txt", WithBody: true, Witness: &pb.Confirm{Grant: grant, Name: "hello.txt", Stamp: stamp}}}}
	confirm := &pb.FileRequest{Body: &pb.FileRequest_Confirm{Confirm: &pb.Confirm{Grant: grant, Name: "hello.txt", Stamp: stamp}}}
	grants := &pb.FileRequest{Body: &pb.FileRequest_Grant{Grant: &pb.GetGrant{From: self}}}
	claim := &pb.FileRequest{Body: &pb.FileRequest_Claim{Claim: &pb.Claim{From: self, Predecessor: fixedPeer(2, "localhost:8002"), Grant: grant}}}
	digest := &pb.FileRequest{Body: &pb.FileRequest_Digest{Digest: &pb.Digest{First: 58741, Last: 58795}}}
	inventory := &pb.FileRequest{Body: &pb.FileRequest_Inventory{Inventory: &pb.Inventory{First: 58741, Last: 58795, Keys: []uint32{1, 65535}, After: items[0], Limit: 10, Old: true}}}
	pull := &pb.FileRequest{Body: &pb.FileRequest_Pull{Pull: &pb.Pull{Items: items}}}
	release := &pb.FileRequest{Body: &pb.FileRequest_Release{Release: &pb.Release{Items: items}}}
	collect := &pb.FileRequest{Body: &pb.FileRequest_Collect{Collect: &pb.Collect{Items: items[:1]}}}
	retract := &pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Records: []*pb.Record{exampleRecord(blockBody())}, Told: true}}}
	blocks := []*pb.Item{{Name: "large.bin", Index: 1, Stamp: hashOf("b")}, {Name: "large.bin", Index: 2, Stamp: hashOf("c")}}
	count := &pb.FileRequest{Body: &pb.FileRequest_Count{Count: &pb.CountCopies{Items: blocks}}}
	countHere := &pb.FileRequest{Body: &pb.FileRequest_Count{Count: &pb.CountCopies{Items: blocks, Here: true}}}
	return []example{
		{name: "file request count", message: count},
		{name: "file request count here", message: countHere},
		{"file answer counted", &pb.FileResponse{Body: &pb.FileResponse_Counted{Counted: &pb.Counted{Copies: []uint32{2, 0}, Promised: []uint32{2, 0}}}}, count},
		{"file answer counted here", &pb.FileResponse{Body: &pb.FileResponse_Counted{Counted: &pb.Counted{Copies: []uint32{1, 0}}}}, countHere},
		{name: "file request store", message: store},
		{name: "file request store record only", message: &pb.FileRequest{Body: &pb.FileRequest_Store{Store: &pb.Store{Record: record, RecordOnly: true}}}},
		{name: "file request get of the witness", message: witness},
		{name: "file request confirm", message: confirm},
		{name: "file request grant", message: grants},
		{name: "file request claim", message: claim},
		{name: "file request digest arc", message: digest},
		{name: "file request digest table", message: &pb.FileRequest{Body: &pb.FileRequest_Digest{Digest: &pb.Digest{Table: true}}}},
		{name: "file request digest rows", message: &pb.FileRequest{Body: &pb.FileRequest_Digest{Digest: &pb.Digest{Rows: []uint32{0, 229, 255}}}}},
		{name: "file request inventory", message: inventory},
		{name: "file request pull", message: pull},
		{name: "file request release", message: release},
		{name: "file request collect", message: collect},
		{name: "file request retract", message: retract},
		{"file answer done", &pb.FileResponse{}, store},
		{"file answer confirm need", &pb.FileResponse{Need: true}, confirm},
		{"file answer refused", &pb.FileResponse{Status: 13, Message: "refused by the witness"}, store},
		{"file answer not successor", &pb.FileResponse{Status: 12, Message: "not the successor", Better: self}, grants},
		{"file answer granted", &pb.FileResponse{Body: &pb.FileResponse_Granted{Granted: &pb.Granted{Id: grant, Predecessor: fixedPeer(3, ""), Copies: 3}}}, grants},
		{"file answer claimed", &pb.FileResponse{Body: &pb.FileResponse_Claimed{Claimed: &pb.Claimed{Owns: true, Grantee: fixedPeer(3, ""), Neighbours: near, Authority: true, Continuous: true, Aside: true}}}, claim},
		{"file answer digests", &pb.FileResponse{Body: &pb.FileResponse_Digests{Digests: &pb.Digests{Sums: [][]byte{sum}}}}, digest},
		{"file answer items", &pb.FileResponse{Body: &pb.FileResponse_Items{Items: &pb.Items{Items: items, More: true}}}, inventory},
		{"file answer records", &pb.FileResponse{Body: &pb.FileResponse_Records{Records: &pb.Records{Records: []*pb.Record{record, exampleRecord(blockBody())}}}}, pull},
		{"file answer released", &pb.FileResponse{Body: &pb.FileResponse_Released{Released: &pb.Released{Verdicts: []pb.Verdict{pb.Verdict_DROP, pb.Verdict_SEND}, Predecessor: fixedPeer(2, "localhost:8002")}}}, release},
	}
}
