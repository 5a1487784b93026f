package protocol

import (
	"context"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// whoMay lists the roles that may ask each kind of request: member, client, reader, storage, relay.
var whoMay = map[string]string{
	"ping": "mcrsl", "neighbours": "mcrsl", "notify": "ms", "find": "mcrsl", "depart": "ms",
	"register": "msl", "introduce": "mcrsl", "heartbeat": "msl", "goodbye": "msl", "roster": "mcrsl",
	"put": "mc", "get": "mcrs", "block": "mcrs", "have": "mcrs", "list": "mcr", "stat": "mcr", "store": "ms", "confirm": "ms",
	"grant": "ms", "claim": "ms", "digest": "ms", "inventory": "ms", "pull": "ms", "release": "ms", "collect": "ms",
	"retract": "mc", "word": "mcrs", "count": "ms",
}

var lettersOfRoles = map[rune]statement.Roles{
	'm': statement.RolesMember, 'c': statement.RolesClient, 'r': statement.RolesReader, 's': statement.RolesStorage, 'l': statement.RolesRelay,
}

// rolesFor lists the roles of which each is enough.
func rolesFor(needs operations) string {
	var out strings.Builder
	for _, letter := range "mcrsl" {
		roles := lettersOfRoles[letter]
		may := May(func(_ peer.ID, op network.Operation) bool { return network.Allow(roles, op) })
		if may.allow("somebody", needs) == nil {
			out.WriteRune(letter)
		}
	}
	return out.String()
}

// Every kind of request has its roles. One that is added to a protocol and not to the table is
// refused, and found here.
func TestEveryRequestNeedsARole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range []struct {
		request proto.Message
		needs   func(proto.Message) operations
	}{
		{&pb.RingRequest{}, func(m proto.Message) operations { return ringOperations(m.(*pb.RingRequest)) }},
		{&pb.BootstrapRequest{}, func(m proto.Message) operations { return bootstrapOperations(m.(*pb.BootstrapRequest)) }},
		{&pb.FileRequest{}, func(m proto.Message) operations { return fileOperations(m.(*pb.FileRequest)) }},
	} {
		if got := rolesFor(p.needs(p.request)); got != "" {
			t.Errorf("an empty %T is for %q", p.request, got)
		}
		fields := p.request.ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
		for i := range fields.Len() {
			m := p.request.ProtoReflect().New()
			m.Set(fields.Get(i), protoreflect.ValueOfMessage(m.NewField(fields.Get(i)).Message()))
			name := string(fields.Get(i).Name())
			seen[name] = true
			if got := rolesFor(p.needs(m.Interface())); got != whoMay[name] || got == "" {
				t.Errorf("%s is for %q, want %q", name, got, whoMay[name])
			}
		}
	}
	for name := range whoMay {
		if !seen[name] {
			t.Errorf("there is no request %s", name)
		}
	}
	for want, got := range map[string]operations{
		"ms,": ringOperations(&pb.RingRequest{Body: &pb.RingRequest_Ping{Ping: &pb.Ping{Target: []byte("x")}}}),
		"ms":  ringOperations(&pb.RingRequest{Body: &pb.RingRequest_Neighbours{Neighbours: &pb.GetNeighbours{From: &pb.Peer{}}}}),
		"ms.": ringOperations(&pb.RingRequest{Body: &pb.RingRequest_Find{Find: &pb.Find{Join: true}}}),
		"ms;": fileOperations(&pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Told: true}}}),
	} {
		if want = strings.Trim(want, ",.;"); rolesFor(got) != want {
			t.Errorf("a request among members is for %q", rolesFor(got))
		}
	}
}

// A request without the role for it reaches no handler, whoever else may ask the same.
func TestRequestsWithoutARoleAreRefused(t *testing.T) {
	t.Parallel()
	server, reader := newPair(t)
	writer, _ := newPair(t)
	writer.Peerstore().AddAddrs(server.ID(), server.Addrs(), 1<<40)
	roles := map[peer.ID]statement.Roles{reader.ID(): statement.RolesReader, writer.ID(): statement.RolesClient}
	asked := make(chan peer.ID, 8)
	closeLater(t, ServeFile(server, ServeOptions{May: func(p peer.ID, op network.Operation) bool { return network.Allow(roles[p], op) }},
		func(_ context.Context, from peer.ID, _ *pb.FileRequest, _ *Body) (*pb.FileResponse, *Payload, error) {
			asked <- from
			return nil, nil, fault.New(fault.NotFound, "reached")
		}))
	ask := func(c *Client, m *pb.FileRequest) error {
		x, err := c.File(t.Context(), server.ID(), m, nil)
		if x != nil {
			_ = x.Close()
		}
		return err
	}
	put := &pb.FileRequest{Body: &pb.FileRequest_Put{Put: &pb.Put{Record: exampleRecord(oneBlock())}}}
	stat := &pb.FileRequest{Body: &pb.FileRequest_Stat{Stat: &pb.Stat{Name: "x"}}}
	r, w := newClient(t, reader, ClientOptions{}), newClient(t, writer, ClientOptions{})
	if err := ask(r, put); fault.CodeOf(err) != fault.NotAllowed || len(asked) > 0 {
		t.Errorf("a reader's put: %v", err)
	}
	if err := ask(r, stat); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a reader's stat: %v", err)
	}
	if err := ask(w, put); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a writer's put: %v", err)
	}
}
