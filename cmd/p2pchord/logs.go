package main

import (
	"bufio"
	"io"
	"os"
	"strings"

	golog "github.com/ipfs/go-log/v2"
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// logLevelUsage is the help of --log-level.
const logLevelUsage = "what is logged to stderr: debug, info, warn, error (default), or `LEVEL,ROOM=LEVEL...`"

// parseLogLevels reads a --log-level: a level for all, levels for single rooms, a comma between.
func parseLogLevels(spec string) (all golog.LogLevel, rooms map[string]golog.LogLevel, err error) {
	all, rooms = golog.LevelError, map[string]golog.LogLevel{}
	for part := range strings.SplitSeq(spec, ",") {
		room, level, one := strings.Cut(strings.TrimSpace(part), "=")
		if !one {
			room, level = "", room
		}
		l, err := golog.Parse(level)
		if err != nil || level == "" || one && room == "" {
			return 0, nil, fault.New(fault.Usage, "--log-level %q: it is debug, info, warn or error, or like warn,node=debug", spec)
		}
		if one {
			rooms[room] = l
		} else {
			all = l
		}
	}
	return all, rooms, nil
}

// setLogs makes go-log log to stderr by --log-level, or without one by
// GOLOG_LOG_LEVEL: text on a terminal, JSON elsewhere, unless GOLOG_LOG_FMT says otherwise.
func (a *app) setLogs(spec string) error {
	cfg := golog.GetConfig()
	if _, set := a.lookupEnv("GOLOG_LOG_FMT"); !set {
		cfg.Format = golog.JSONOutput
		if isTerminal(os.Stderr) {
			cfg.Format = golog.PlaintextOutput
			if cfg.Stderr {
				cfg.Stderr, cfg.URL = false, terminalSink()
			}
		}
	}
	if spec != "" {
		var err error
		if cfg.Level, cfg.SubsystemLevels, err = parseLogLevels(spec); err != nil {
			return err
		}
	}
	golog.SetupLogging(cfg)
	return nil
}

// logsTo has what is logged to stderr shown by show, a line at a time, until the
// function that it returns is called: on a terminal it would tear the line that is edited.
func logsTo(show func(string)) (stop func()) {
	before := golog.GetConfig()
	if !before.Stderr && before.URL != terminalSink() {
		return func() {}
	}
	r := golog.NewPipeReader(golog.PipeFormat(golog.PlaintextOutput))
	away := before
	away.Stderr, away.URL = false, ""
	golog.SetupLogging(away)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			show(gateway.OneLine(lines.Text()))
		}
		_, _ = io.Copy(io.Discard, r) // after a line too long to show nobody who logs may wait
	}()
	return func() {
		golog.SetupLogging(before)
		_ = r.Close() // it ends the scanner
		<-stopped
	}
}

// isGiven tells whether a flag is on the command line.
func (a *app) isGiven(cmd *cobra.Command, flag string) bool {
	_, elsewhere := a.origins[flag]
	return cmd.Flags().Changed(flag) && !elsewhere
}

// reloadLogs reads the settings of a running command again and sets its log levels,
// unless they were given on the command line.
func (a *app) reloadLogs(command string, given bool) {
	c, _, err := a.settled(command)
	if err == nil && !given {
		err = a.setLogs(c.Flags().Lookup("log-level").Value.String())
	}
	if err != nil {
		a.out.warn("the settings were not read again: %v", err)
		return
	}
	a.out.say("the settings were read again: the log levels hold from here on, all else from the next start")
}
