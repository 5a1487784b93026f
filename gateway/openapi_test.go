package gateway

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/p2pchord/p2pchord/gateway/events"
	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/gateway/metrics"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func description(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestEachCallIsDescribed: those of the server are those of openapi.yaml.
func TestEachCallIsDescribed(t *testing.T) {
	t.Parallel()
	s := &Server{metrics: metrics.New().Handler()}
	var served, described []string
	for pattern := range s.routes() {
		served = append(served, strings.Replace(pattern, "...}", "}", 1))
	}
	for path, item := range description(t).Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	for _, c := range served {
		if !slices.Contains(described, c) {
			t.Errorf("%s is not in openapi.yaml: describe it there", c)
		}
	}
	for _, c := range described {
		if !slices.Contains(served, c) {
			t.Errorf("%s is in openapi.yaml, and nothing serves it", c)
		}
	}
}

// TestAnswersAreAsDescribed asks for every call, in ways that succeed and that fail, and
// compares each answer with openapi.yaml: its status, its type, its fields, and that no
// field is there that is not described.
func TestAnswersAreAsDescribed(t *testing.T) {
	t.Parallel()
	doc := description(t)
	asked := map[string]bool{}
	for _, c := range []struct {
		method, path, call string
		header             [2]string
		body               string
		status             int
	}{
		{"GET", "/v1/self", "/v1/self", [2]string{}, "", 200},
		{"GET", "/v1/status", "/v1/status", [2]string{}, "", 200},
		{"GET", "/v1/health", "/v1/health", [2]string{}, "", 200},
		{"GET", "/v1/members", "/v1/members", [2]string{}, "", 200},
		{"GET", "/v1/files?prefix=a", "/v1/files", [2]string{}, "", 200},
		{"GET", "/v1/files/a/b%20c", "/v1/files/{name}", [2]string{}, "", 200},
		{"GET", "/v1/files/a%2Fb%20c", "/v1/files/{name}", [2]string{"Range", "bytes=2-4"}, "", 206},
		{"GET", "/v1/files/a/b%20c", "/v1/files/{name}", [2]string{"Range", "bytes=10-"}, "", 416},
		{"GET", "/v1/files/a/b%20c", "/v1/files/{name}", [2]string{"If-None-Match", `"v1"`}, "", 304},
		{"GET", "/v1/files/none", "/v1/files/{name}", [2]string{}, "", 404},
		{"HEAD", "/v1/files/a/b%20c", "/v1/files/{name}", [2]string{}, "", 200},
		{"HEAD", "/v1/files/a/b%20c", "/v1/files/{name}", [2]string{"If-None-Match", `"v1"`}, "", 304},
		{"PUT", "/v1/files/x?copies=2&wait=all", "/v1/files/{name}", [2]string{}, "bytes", 200},
		{"PUT", "/v1/files/x", "/v1/files/{name}", [2]string{"Accept", api.NDJSON}, "bytes", 200},
		{"PUT", "/v1/files/x?copies=many", "/v1/files/{name}", [2]string{}, "bytes", 400},
		{"DELETE", "/v1/files/a/b%20c", "/v1/files/{name}", [2]string{}, "", 200},
		{"GET", "/v1/stat/a/b%20c", "/v1/stat/{name}", [2]string{}, "", 200},
		{"GET", "/v1/stat/none", "/v1/stat/{name}", [2]string{}, "", 404},
		{"GET", "/v1/lookup/a", "/v1/lookup/{name}", [2]string{}, "", 200},
		{"GET", "/v1/trace/a/b%20c", "/v1/trace/{name}", [2]string{}, "", 200},
		{"GET", "/v1/trace/none", "/v1/trace/{name}", [2]string{}, "", 404},
		{"GET", "/v1/peers", "/v1/peers", [2]string{}, "", 200},
		{"POST", "/v1/netcheck?within=1s", "/v1/netcheck", [2]string{}, "", 200},
		{"POST", "/v1/network", "/v1/network", [2]string{}, `{"do":"status"}`, 200},
		{"POST", "/v1/network", "/v1/network", [2]string{}, `{"do":"members"}`, 200},
		{"POST", "/v1/network", "/v1/network", [2]string{}, `{"do":"invite"}`, 200},
		{"POST", "/v1/network", "/v1/network", [2]string{}, `{"do":"export"}`, 200},
		{"POST", "/v1/network", "/v1/network", [2]string{}, `{"do":"revoke"}`, 500},
		{"POST", "/v1/network", "/v1/network", [2]string{}, `{`, 400},
		{"POST", "/v1/store/a?size=1", "/v1/store/{name}", [2]string{}, "", 400},
		{"POST", "/v1/save/a", "/v1/save/{name}", [2]string{}, "", 400},
		{"GET", "/v1/share", "/v1/share", [2]string{}, "", 200},
		{"GET", "/v1/share?follow=often", "/v1/share", [2]string{}, "", 400},
		{"GET", "/v1/events?only=weather", "/v1/events", [2]string{}, "", 400},
		{"POST", "/v1/verify", "/v1/verify", [2]string{}, "", 200},
		{"POST", "/v1/leave", "/v1/leave", [2]string{}, "", 200},
		{"POST", "/v1/quit?within=1s", "/v1/quit", [2]string{}, "", 200},
		{"POST", "/v1/quit?within=soon", "/v1/quit", [2]string{}, "", 400},
		{"GET", "/v1/openapi.yaml", "/v1/openapi.yaml", [2]string{}, "", 200},
		{"GET", "/metrics", "/metrics", [2]string{}, "", 200},
	} {
		t.Run(c.method+" "+c.path+" "+c.header[1], func(t *testing.T) {
			t.Parallel()
			web := serveHTTP(t, peertest.Full())
			req, err := http.NewRequestWithContext(t.Context(), c.method, web.URL+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.header[0] != "" {
				req.Header.Set(c.header[0], c.header[1])
			}
			resp, err := web.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != c.status {
				t.Fatalf("status %d, want %d: %s, %v", resp.StatusCode, c.status, body, err)
			}
			op := doc.Paths.Value(c.call).GetOperation(c.method)
			if err := asDescribed(op, c.method, resp, body); err != nil {
				t.Errorf("%v in %s", err, body)
			}
		})
		asked[c.method+" "+c.call] = true
	}
	asked["GET /v1/events"] = true // by TestEvents
	for pattern := range (&Server{metrics: metrics.New().Handler()}).routes() {
		if c := strings.Replace(pattern, "...}", "}", 1); !asked[c] {
			t.Errorf("%s is never asked for here", c)
		}
	}
}

// asDescribed compares an answer with its description.
func asDescribed(op *openapi3.Operation, method string, resp *http.Response, body []byte) error {
	d := op.Responses.Status(resp.StatusCode)
	if d == nil {
		d = op.Responses.Default()
	}
	for name := range d.Value.Headers {
		if resp.StatusCode != http.StatusNotModified && resp.Header.Get(name) == "" {
			return fmt.Errorf("the header %s is missing", name)
		}
	}
	if method == http.MethodHead || resp.StatusCode == http.StatusNotModified {
		return nil
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	media := d.Value.Content[kind]
	switch {
	case media == nil:
		return fmt.Errorf("the type %q is not described", kind)
	case kind == "application/json":
		return fits(media.Schema.Value, body)
	case kind == api.NDJSON:
		lines := bufio.NewScanner(bytes.NewReader(body))
		for lines.Scan() {
			if err := fits(media.Schema.Value, lines.Bytes()); err != nil {
				return err
			}
		}
	}
	return nil
}

// fits compares a JSON value with a schema, and refuses fields that are not in it.
func fits(s *openapi3.Schema, raw []byte) error {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	if err := s.VisitJSON(v); err != nil {
		return err
	}
	return undescribed("", s, v)
}

func undescribed(at string, s *openapi3.Schema, v any) error {
	switch v := v.(type) {
	case map[string]any:
		all := properties(s)
		for name, x := range v {
			p := all[name]
			if p == nil {
				return fmt.Errorf("the field %s.%s is not described", at, name)
			}
			if err := undescribed(at+"."+name, p, x); err != nil {
				return err
			}
		}
	case []any:
		for _, x := range v {
			if err := undescribed(at+"[]", s.Items.Value, x); err != nil {
				return err
			}
		}
	}
	return nil
}

func properties(s *openapi3.Schema) map[string]*openapi3.Schema {
	all := map[string]*openapi3.Schema{}
	for name, p := range s.Properties {
		all[name] = p.Value
	}
	for _, part := range s.AllOf {
		for name, p := range properties(part.Value) {
			all[name] = p
		}
	}
	return all
}

// A comparison that lets everything through would pass the test above.
func TestWhatIsNotDescribedIsFound(t *testing.T) {
	t.Parallel()
	s := description(t).Components.Schemas["FileStat"].Value
	good, err := json.Marshal(node.FileStat{Blocks: []node.Block{{}}, Holders: []node.Holder{{Role: "owner"}}, Siblings: []node.FileInfo{}, Missing: []int{}, Unchecked: []int{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := fits(s, good); err != nil {
		t.Error(err)
	}
	for _, bad := range [][2]string{{`"name":""`, `"name":1`}, {`"writer":"",`, ""}, {`"owner"`, `"guest"`}, {`"index":0`, `"index":0,"more":1`}} {
		b := strings.Replace(string(good), bad[0], bad[1], 1)
		if b == string(good) || fits(s, []byte(b)) == nil {
			t.Errorf("%s in the place of %s is not found", bad[1], bad[0])
		}
	}
}

// serveHTTP serves a peer as the server does, on a port of httptest.
func serveHTTP(t *testing.T, f *peertest.Peer) *httptest.Server {
	t.Helper()
	return serveEvents(t, f, events.NewHub())
}

func serveEvents(t *testing.T, f *peertest.Peer, e *events.Hub) *httptest.Server {
	t.Helper()
	m := metrics.New()
	s, err := Serve(t.TempDir()+"/"+SocketName, e.Of(m.Of(f)), m.Handler(), e)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.handler())
	t.Cleanup(func() {
		if err := s.Close(t.Context()); err != nil && fault.CodeOf(err) != fault.Failed {
			t.Error(err)
		}
		web.Close()
	})
	return web
}
