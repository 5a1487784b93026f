package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/view"
	"github.com/p2pchord/p2pchord/share"
)

func (a *app) watchCommand() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "watch [PREFIX]",
		Short: "Watch the shared folder of this node",
		Long: `Watch the folder that the node of --data shares (node --share DIR). It shows the state of each
file whose name begins with PREFIX: waiting, uploading, stored with how many copies, or
refused and why. "gone" means that a file has left the folder; it stays in the ring.

On a terminal it shows the progress, until Ctrl-C. Elsewhere, and with --json, it prints a
line for each file, and then one for each change. --once ends before the changes.`,
		Example: example("p2pchord watch", "p2pchord watch --once", "p2pchord watch --json Pictures/ | jq -r 'select(.state == \"refused\") | .name'"),
		Args:    atMostOne("one PREFIX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			prefix := ""
			if len(args) > 0 {
				prefix = args[0]
			}
			return a.watch(cmd, prefix, once)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "show the current state, and end")
	return cmd
}

func (a *app) watch(cmd *cobra.Command, prefix string, once bool) error {
	p, err := a.openNode(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // nothing was changed
	show := a.watchLine
	kind, _ := a.lookupEnv("TERM")
	if !a.json && !once && a.out.CanRedraw(kind) {
		v := view.NewWatch(a.out)
		defer a.out.EndScreen()
		show = v.Show
	}
	for u, err := range p.Watch(cmd.Context(), !once) {
		if err != nil {
			return err
		}
		if u.File == nil || strings.HasPrefix(u.File.Name, prefix) {
			show(u)
		}
	}
	return cmd.Context().Err()
}

// watchLine shows an update as a line.
func (a *app) watchLine(u share.Update) {
	switch {
	case a.json && u.File != nil:
		a.out.Object(u.File)
	case a.json && u.Folder != nil:
		a.out.Object(u.Folder)
	case u.File != nil:
		a.out.Line("%s  %s", u.File.Time.Local().Format(time.TimeOnly), view.FileLine(*u.File))
	case u.Folder != nil:
		for _, l := range view.FolderLines(*u.Folder) {
			a.out.Line("%s  %s", u.Folder.Time.Local().Format(time.TimeOnly), l)
		}
	}
}
