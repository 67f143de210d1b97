package crypt

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"filippo.io/age/plugin"
)

// pluginDeadline is how long age plugins may take, all together.
const pluginDeadline = 60 * time.Second

// withDeadline runs f, which runs the named plugins, if any. age gives no handle
// on a plugin's process, so at the deadline f is left behind; the caller ends
// with the error, and so does the process, then.
func withDeadline(ctx context.Context, plugins []string, f func() error) error {
	if len(plugins) == 0 {
		return f()
	}
	ctx, cancel := context.WithTimeout(ctx, pluginDeadline)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("waiting for the age plugin %s: %w", strings.Join(plugins, ", "), ctx.Err())
	}
}

// pluginUI answers plugins: messages go to the log, pin says what is secret, and
// nothing is confirmed.
func pluginUI(log *slog.Logger, pin func(plugin, question string) (string, error)) *plugin.ClientUI {
	return &plugin.ClientUI{
		DisplayMessage: func(name, message string) error {
			log.Info("message of the age plugin", "plugin", name, "message", message)
			return nil
		},
		RequestValue: func(name, question string, secret bool) (string, error) {
			if !secret || pin == nil {
				return "", errNoAnswer
			}
			return pin(name, question)
		},
		Confirm:   func(_, _, _, _ string) (bool, error) { return false, errNoAnswer },
		WaitTimer: func(name string) { log.Info("waiting for the age plugin", "plugin", name) },
	}
}
