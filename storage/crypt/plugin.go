package crypt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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

// pluginUI answers plugins from the environment: messages go to the log, a PIN
// is what the file $CREDENTIALS_DIRECTORY/settle.pin holds, and nothing is confirmed.
func pluginUI(log *slog.Logger, getenv func(string) string, pin func() (string, error)) *plugin.ClientUI {
	return &plugin.ClientUI{
		DisplayMessage: func(name, message string) error {
			log.Info("message of the age plugin", "plugin", name, "message", message)
			return nil
		},
		RequestValue: func(name, _ string, secret bool) (string, error) {
			if !secret {
				return "", errNoAnswer
			}
			if pin != nil {
				return pin()
			}
			return credentialsPIN(getenv)
		},
		Confirm:   func(_, _, _, _ string) (bool, error) { return false, errNoAnswer },
		WaitTimer: func(name string) { log.Info("waiting for the age plugin", "plugin", name) },
	}
}

func credentialsPIN(getenv func(string) string) (string, error) {
	dir := getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return "", errNoAnswer
	}
	b, err := readSmallFile(filepath.Join(dir, "settle.pin"), 4096)
	if errors.Is(err, os.ErrNotExist) {
		return "", errNoAnswer
	}
	return strings.TrimRight(string(b), "\r\n"), err
}
