package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
)

func (a *app) quitCommand() *cobra.Command {
	var within time.Duration
	cmd := &cobra.Command{
		Use:   "quit",
		Short: "End the node, keeping its data for the next start",
		Long: `Hand over files that have too few copies elsewhere, notify the neighbors, and end the node. Its
data is kept for the next start.`,
		Example: example("p2pchord quit", "p2pchord quit --within 1m"),
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if within < 0 {
				return fault.New(fault.Usage, "--within %s: it must be a time like 10s", duration.String(within))
			}
			return a.depart(cmd, func(ctx context.Context, p gateway.Peer) error {
				ctx, cancel := context.WithTimeout(ctx, within)
				defer cancel()
				return a.afterQuit(p.Quit(ctx, a.showHandOver))
			})
		},
	}
	cmd.Flags().DurationVar(&within, "within", gateway.DefaultWithin, "how long handing over may take")
	return cmd
}

// afterQuit shows what a node that quits could not do. Fewer copies of some files until it is back
// are not a failure, because the files are kept.
func (a *app) afterQuit(err error) error {
	if fault.CodeOf(err) == fault.FewerCopies {
		a.out.Warn("%v", err)
		return nil
	}
	if err != nil {
		a.out.Failure(err)
		return errReported{gateway.ProblemOf(err).Code}
	}
	return nil
}
