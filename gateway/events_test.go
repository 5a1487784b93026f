package gateway

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/gateway/events"
	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// listenTo opens the events; what it returns yields the next one, of the topics wanted.
func listenTo(t *testing.T, web *httptest.Server, query string) (next func() (topic, data string)) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+"/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := web.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("the type is %q", kind)
	}
	lines := bufio.NewScanner(resp.Body)
	return func() (topic, data string) {
		t.Helper()
		for lines.Scan() {
			if e, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				topic = e
			}
			if d, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return topic, d
			}
		}
		t.Fatalf("the events ended: %v", lines.Err())
		return "", ""
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	f, e := peertest.Full(), events.NewHub()
	web := serveEvents(t, f, e)
	schemas := description(t).Components.Schemas
	next := listenTo(t, web, "")
	expect := func(topic, schema string, parts ...string) {
		t.Helper()
		got, data := next()
		if got != topic {
			t.Fatalf("%s %s, want %s", got, data, topic)
		}
		for _, p := range parts {
			if !strings.Contains(data, p) {
				t.Errorf("%s %s, want %s", got, data, p)
			}
		}
		if err := fits(schemas[schema].Value, []byte(data)); err != nil {
			t.Errorf("%v in %s", err, data)
		}
	}
	expect("hello", "Self", `"peer_id":"fake"`)
	expect("share", "Update", `"folder":{`)
	expect("share", "Update", `"name":"n"`, `"reason":"full"`)
	expect("share", "Update", `"name":"m"`)
	expect("share", "Update", `"present":true`)
	e.Ring(node.Event{Time: time.Now(), Kind: "joined", Text: "joined the ring"})
	expect("ring", "Event", `"event":"joined"`)

	call := func(method, path, body string) {
		req, err := http.NewRequestWithContext(t.Context(), method, web.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := web.Client().Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
	}
	ended := func(parts ...string) {
		t.Helper()
		for { // how it runs is told as often as the listener takes it
			topic, data := next()
			if err := fits(schemas["Transfer"].Value, []byte(data)); topic != "transfer" || err != nil {
				t.Fatalf("%s %s: %v", topic, data, err)
			}
			if strings.Contains(data, `"running"`) {
				continue
			}
			for _, p := range parts {
				if !strings.Contains(data, p) {
					t.Errorf("%s, want %s", data, p)
				}
			}
			return
		}
	}
	call("PUT", "/v1/files/new", "12345")
	ended(`"put"`, `"name":"new"`, `"done"`, `"done":5,"total":5,"copies":3`)
	call("GET", "/v1/files/new", "")
	ended(`"get"`, `"name":"new"`, `"state":"done"`, `"path":"relayed"`)
	call("GET", "/v1/files/none", "")
	ended(`"get"`, `"state":"failed"`, `"code":"not_found"`)
	f.PutFails = fault.New(fault.NoSpace, "full")
	call("PUT", "/v1/files/new", "12345")
	ended(`"put"`, `"state":"failed"`, `"code":"no_space"`)
}

func TestOnlySomeEvents(t *testing.T) {
	t.Parallel()
	f, e := peertest.Full(), events.NewHub()
	next := listenTo(t, serveEvents(t, f, e), "?only=ring")
	if topic, _ := next(); topic != "hello" {
		t.Fatal(topic)
	}
	if _, err := e.Of(f).Put(t.Context(), "x", strings.NewReader("x"), node.PutOptions{Size: 1}); err != nil {
		t.Fatal(err)
	}
	e.Ring(node.Event{Kind: "joined"})
	if topic, _ := next(); topic != "ring" {
		t.Error(topic)
	}
}
