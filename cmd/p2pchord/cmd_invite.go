package main

import (
	"strings"
	"time"

	"github.com/mdp/qrterminal/v3"
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership/manage"
	"github.com/p2pchord/p2pchord/network/invitation"
)

func (a *app) inviteCommand() *cobra.Command {
	r := manage.Request{Do: manage.DoInvite}
	qr := false
	cmd := &cobra.Command{
		Use:   "invite",
		Short: "Make a code by which one machine joins the private ring",
		Long: `Make a code by which one machine joins the private ring. The code goes to stdout: give it to
"p2pchord join" on the other machine. For a voice or a note there is a short code, on stderr,
which needs the name of a host beside it. No admin has to be online when it is used.

A code lets in one machine, once. Used by two at the same time it lets in neither. It isn't
shown again, and whoever sees it can use it.

Roles: member (reads, writes, and stores), client (reads and writes), reader, storage (stores,
without the keys of files), relay (helps others to reach each other), admin (a member that may
do all of this). Clients and readers are members for 90 days.`,
		Example: example("p2pchord invite --name ann-laptop", "p2pchord invite --role client --for 2h --qr", "p2pchord invite -n 30 --name class"),
		Args:    exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.invite(cmd, r, qr) },
	}
	fl := cmd.Flags()
	fl.StringVar(&r.Role, "role", "member", "`role` of the newcomer: member, client, reader, storage, relay, or admin")
	fl.StringVar(&r.Name, "name", "", "`name` of the newcomer among the members (default: it chooses one)")
	fl.DurationVar(&r.For, "for", manage.DefaultFor, "how long the code can be used")
	fl.IntVarP(&r.Count, "count", "n", 1, "`number` of codes")
	fl.BoolVar(&qr, "qr", false, "show the code as a picture too")
	a.apiFlags(fl)
	return cmd
}

func (a *app) invite(cmd *cobra.Command, r manage.Request, qr bool) error {
	if r.Count < 1 || r.For < time.Second { // 0 would mean the default
		return fault.New(fault.Usage, "--for %v and -n %d: give a time like 24h, and a number of 1 or more", r.For, r.Count)
	}
	answer, err := a.manage(cmd, r)
	for _, i := range answer.Invitations {
		if a.json {
			a.out.Object(i)
			continue
		}
		a.out.Line("%s", i.Code)
		a.out.Say("by voice, with a host of the ring: p2pchord join HOST %s", i.Short)
		if c, err := invitation.ParseLong(i.Code); err == nil && len(c.Addresses) == 0 {
			a.out.Say("no address is known at which to join, so give a host with this code too: p2pchord join HOST CODE")
		}
		a.out.Say("for one %s, until %s", i.Role, i.Expires.Local().Format("Mon 2 Jan 15:04"))
		if qr {
			a.showPicture(strings.ToUpper(i.Code))
		}
	}
	return err
}

// showPicture shows a text as a QR code on stderr.
func (a *app) showPicture(text string) {
	var b strings.Builder
	qrterminal.GenerateHalfBlock(text, qrterminal.L, &b)
	for l := range strings.Lines(b.String()) {
		a.out.Say("%s", strings.TrimRight(l, "\n"))
	}
}
