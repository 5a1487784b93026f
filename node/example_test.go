package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/node"
)

// exampleRing starts a bootstrap peer and three nodes on this machine. A program of yours has one
// of them, and the bootstrap peer's multiaddr from its configuration.
func exampleRing(ctx context.Context) (nodes []*node.Node, addrs []ma.Multiaddr, stop func()) {
	dir, err := os.MkdirTemp("", "p2pchord-example-")
	if err != nil {
		log.Fatal(err)
	}
	listen := []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")}
	boot, err := bootstrap.New(ctx, bootstrap.Config{Data: dir + "/bootstrap", Listen: listen})
	if err != nil {
		log.Fatal(err)
	}
	for i := range 3 {
		n, err := node.New(ctx, node.Config{Data: fmt.Sprintf("%s/%d", dir, i), Listen: listen, Bootstrap: boot.Addrs()})
		if err != nil {
			log.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	return nodes, boot.Addrs(), func() {
		for _, n := range nodes {
			_ = n.Close()
		}
		_ = boot.Close()
		_ = os.RemoveAll(dir)
	}
}

// Start a node, put a file at it, and get it at another.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	nodes, _, stop := exampleRing(ctx)
	defer stop()

	text := "kept among machines, without a server"
	_, err := nodes[0].Put(ctx, "notes/today.txt", strings.NewReader(text), node.PutOptions{Size: int64(len(text)), WaitAll: true, Copies: 3})
	if err != nil {
		log.Fatal(err)
	}
	f, err := nodes[2].Get(ctx, "notes/today.txt", node.GetOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(os.Stdout, f); err != nil {
		log.Fatal(err)
	}
	// Output: kept among machines, without a server
}

// A client uses the ring without becoming a member.
func ExampleDial() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, bootstrapAddrs, stop := exampleRing(ctx)
	defer stop()

	c, err := node.Dial(ctx, node.ClientConfig{Bootstrap: bootstrapAddrs})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	// A stream of unknown size is stored too.
	if _, err := c.Put(ctx, "stream", strings.NewReader("some bytes"), node.PutOptions{Size: node.SizeUnknown}); err != nil {
		log.Fatal(err)
	}
	for f, err := range c.List(ctx, "") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(f.Name, f.Size)
	}
	// Output: stream 10
}

// Tell kinds of failure apart with errors.Is.
func ExampleNode_Remove() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	nodes, _, stop := exampleRing(ctx)
	defer stop()

	err := nodes[0].Remove(ctx, "never put")
	fmt.Println(errors.Is(err, node.ErrNotFound), err)
	// Output: true "never put" is not in the ring
}

// Lookup and Stat tell where a file is.
func ExampleNode_Stat() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	nodes, _, stop := exampleRing(ctx)
	defer stop()

	if _, err := nodes[0].Put(ctx, "document.txt", strings.NewReader("x"), node.PutOptions{Size: 1, WaitAll: true, Copies: 3}); err != nil {
		log.Fatal(err)
	}
	st, err := nodes[1].Stat(ctx, "document.txt")
	if err != nil {
		log.Fatal(err)
	}
	at, err := nodes[1].Lookup(ctx, "document.txt")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("key", st.Key, "holders", len(st.Holders), "owner first:", st.Holders[0].PeerID == at.Owner.PeerID)
	// Output: key 20209 holders 3 owner first: true
}

// Leave hands every file over before the node goes.
func ExampleNode_Leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	nodes, _, stop := exampleRing(ctx)
	defer stop()

	if _, err := nodes[0].Put(ctx, "document.txt", strings.NewReader("still here"), node.PutOptions{Size: 10}); err != nil {
		log.Fatal(err)
	}
	if err := nodes[0].Leave(ctx, func(h node.HandOver) {
		if h.Error != "" {
			log.Printf("%s stays: %s", h.Name, h.Error)
		}
	}); err != nil {
		log.Fatal(err)
	}
	f, err := nodes[1].Get(ctx, "document.txt", node.GetOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	_, _ = io.Copy(os.Stdout, f)
	// Output: still here
}
