//go:build linux

package natlab

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

// checkedNode is a node whose network is checked, with all the bootstrap peers of its lab.
func checkedNode(t *testing.T, h *Host, boots []*process, more ...string) *process {
	t.Helper()
	args := nodeArgs(h, boots[0], more...)
	for _, b := range boots[1:] {
		args = append(args, nodeArgs(h, b)[3:]...)
	}
	return start(t, h, args...)
}

// netcheck returns the first report of a node's netcheck that ok accepts.
func (p *process) netcheck(ok func(node.Netcheck) string) node.Netcheck {
	p.t.Helper()
	c := p.api()
	var n node.Netcheck
	began := time.Now()
	for why := "not asked"; why != ""; {
		if time.Since(began) > patience {
			p.t.Fatalf("netcheck at %s: %s: %+v", p.host.ns, why, n)
		}
		var err error
		if n, err = c.Netcheck(p.t.Context()); err != nil {
			p.t.Fatal(err)
		}
		why = ok(n)
	}
	return n
}

// problemCodes are the codes of what is wrong.
func problemCodes(n node.Netcheck) []string {
	var out []string
	for _, p := range n.Problems {
		out = append(out, p.Severity+" "+p.Code)
	}
	return out
}

// verdicts are the verdicts on the addresses of one scope, by transport.
func verdicts(n node.Netcheck, scope string) map[string]string {
	out := map[string]string{}
	for _, a := range n.Addrs {
		if a.Scope == scope && !a.Seen {
			out[a.Transport] = a.Verdict
		}
	}
	return out
}

// For each kind of home netcheck reports the truth.
func TestNetcheck(t *testing.T) {
	l := New(t)
	boots := []*process{startBootstrap(t, l.Host(Both)), startBootstrap(t, l.Host(Both))}
	public := checkedNode(t, l.Host(IPv4), boots)
	homes := map[Kind]*process{}
	for _, k := range []Kind{PortPreserving, Symmetric, UDPBlocked} {
		homes[k] = checkedNode(t, l.Router(k).Host(), boots)
	}

	n := public.netcheck(func(n node.Netcheck) string {
		if v := verdicts(n, node.ScopePublic); v["tcp"] != node.VerdictReachable || v["quic"] != node.VerdictReachable {
			return "not reachable"
		}
		return ""
	})
	if n.Reachability != node.ReachablePublic || n.NAT.Kind != node.NATNone || n.Faults() > 0 {
		t.Errorf("on the public network: %s, %s, %v", n.Reachability, n.NAT.Kind, problemCodes(n))
	}
	tested := 0
	for _, a := range n.Addrs { // a tester may answer for the address that it was asked from only
		tested += len(a.From)
	}
	if tested == 0 {
		t.Errorf("nobody is told to have tested: %+v", n.Addrs)
	}

	for kind, want := range map[Kind]struct {
		nat      string
		problems []string
	}{
		PortPreserving: {node.NATIndependent, []string{"note behind_router"}},
		Symmetric:      {node.NATDependent, []string{"note behind_router", "note symmetric_router"}},
		UDPBlocked:     {node.NATIndependent, []string{"note behind_router", "note udp_blocked"}},
	} {
		n := homes[kind].netcheck(func(n node.Netcheck) string {
			if n.NAT.Kind != want.nat || n.Reachability != node.ReachablePrivate || len(n.Relays) == 0 {
				return "the router is " + n.NAT.Kind + ", the node " + n.Reachability
			}
			return ""
		})
		got := problemCodes(n)
		for _, p := range want.problems {
			if !slices.Contains(got, p) {
				t.Errorf("%v: no %q in %v", kind, p, got)
			}
		}
		if n.Faults() > 0 {
			t.Errorf("%v: %v", kind, got)
		}
		for _, r := range n.Relays {
			if !r.Held || r.LimitBytes == 0 || r.LimitSeconds == 0 || r.Expires == nil {
				t.Errorf("%v: the relay %+v", kind, r)
			}
		}
	}

	for kind, p := range homes {
		out, _, _ := p.verb("netcheck") // its exit code tells of faults
		peers, _, err := p.verb("peers")
		t.Logf("%v:\n%s\n%s", kind, out, peers)
		if err != nil {
			t.Error(err)
		}
	}
}

// A firewall in front of an address of the machine's own is told apart from a router.
func TestNetcheckBehindAFirewall(t *testing.T) {
	l := New(t)
	boot := startBootstrap(t, l.Host(Both))
	p := startNode(t, l.Router(Firewall).Host(), boot)
	n := p.netcheck(func(n node.Netcheck) string {
		if !slices.Contains(problemCodes(n), "fault firewall") {
			return strings.Join(problemCodes(n), ", ")
		}
		return ""
	})
	if n.NAT.Kind != node.NATNone || n.Reachability != node.ReachablePrivate {
		t.Errorf("a firewall is told to be %s, the node %s", n.NAT.Kind, n.Reachability)
	}
	out, _, _ := p.verb("netcheck") // its exit code tells of the fault
	t.Log(out)
}

// Without a node netcheck describes the home; in one without any network it says so.
func TestNetcheckWithoutANode(t *testing.T) {
	l := New(t)
	boot := startBootstrap(t, l.Host(Both))
	home := l.Router(PortPreserving)
	h := home.Host()
	check := func(h *Host) (string, int) {
		path, err := program()
		if err != nil {
			t.Fatal(err)
		}
		args := nodeArgs(h, boot)[3:]
		cmd := h.Command(path, append([]string{"netcheck", "--timeout", "3s", "--data", t.TempDir()}, args...)...)
		out, err := cmd.CombinedOutput()
		code := 0
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Run returns it as it is
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		t.Logf("exit code %d:\n%s", code, out)
		return string(out), code
	}
	out, code := check(h)
	if code != 0 || !strings.Contains(out, "Peers on the internet can't connect to this machine by themselves.") {
		t.Errorf("in a home: exit code %d", code)
	}
	home.Down()
	out, code = check(h)
	if code != 4 || !strings.Contains(out, "The bootstrap peer at") {
		t.Errorf("in a home that is cut off: exit code %d", code)
	}
	h.Down()
	out, code = check(h)
	if code != 4 || !strings.Contains(out, "This machine has no network.") {
		t.Errorf("without a network: exit code %d", code)
	}
}
