//go:build !windows

package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// dashboard is what a test looks at in deploy/grafana.json.
type dashboard struct {
	UID    string
	Panels []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ H, W, X, Y int }
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct{ Name, Definition string }
	}
}

func readDashboard() (dashboard, error) {
	var d dashboard
	b, err := os.ReadFile("../../deploy/grafana.json")
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(b, &d)
}

// metricName matches the names of metrics, which all begin with one of these.
var metricName = regexp.MustCompile(`\b(?:p2pchord|libp2p|process|go)_[a-z0-9_]+`)

// names returns the metrics of the dashboard's queries.
func (d dashboard) names() []string {
	var out []string
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			out = append(out, metricName.FindAllString(q.Expr, -1)...)
		}
	}
	for _, v := range d.Templating.List {
		out = append(out, metricName.FindAllString(v.Definition, -1)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// dashboard FILE: every metric that the dashboard asks for is in the scrape.
func dashboardIn(ts *testscript.TestScript, neg bool, args []string) {
	d, err := readDashboard()
	ts.Check(err)
	scraped := ts.ReadFile(args[0])
	missing := slices.DeleteFunc(d.names(), func(name string) bool {
		return strings.Contains(scraped, "\n"+name+" ") || strings.Contains(scraped, "\n"+name+"{")
	})
	if (len(missing) > 0) != neg {
		ts.Fatalf("the dashboard asks for %q", missing)
	}
}

func TestTheDashboardIsWhole(t *testing.T) {
	t.Parallel()
	d, err := readDashboard()
	if err != nil {
		t.Fatal(err)
	}
	if len(d.names()) < 20 {
		t.Errorf("it asks for %q only", d.names())
	}
	ids := map[int]string{}
	for _, p := range d.Panels {
		if before, twice := ids[p.ID]; twice {
			t.Errorf("panels %q and %q have one ID", before, p.Title)
		}
		ids[p.ID] = p.Title
		if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.H == 0 {
			t.Errorf("panel %q: %+v", p.Title, p.GridPos)
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, q := range p.Targets {
			if strings.Count(q.Expr, "(") != strings.Count(q.Expr, ")") || !metricName.MatchString(q.Expr) {
				t.Errorf("panel %q: %s", p.Title, q.Expr)
			}
			// Each figure is of the jobs and nodes that were chosen.
			for _, name := range metricName.FindAllString(q.Expr, -1) {
				if !strings.Contains(q.Expr, name+`{job=~"$job",instance=~"$instance"`) {
					t.Errorf("panel %q: %s of all jobs", p.Title, name)
				}
			}
		}
	}
	// The other way round: the dashboard shows every metric of a node.
	var described []string
	for _, file := range []string{"metrics.go", "state.go"} {
		text, err := os.ReadFile("../../gateway/metrics/" + file)
		if err != nil {
			t.Fatal(err)
		}
		described = append(described, metricName.FindAllString(string(text), -1)...)
	}
	if len(described) < 15 {
		t.Errorf("only %q are described", described)
	}
	shown := strings.Join(d.names(), " ") + " "
	for _, name := range described {
		if name != "p2pchord_node_key" && !strings.Contains(shown, name+" ") && !strings.Contains(shown, name+"_bucket ") {
			t.Errorf("%s is nowhere on the dashboard", name)
		}
	}
}
