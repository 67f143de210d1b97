package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/check"
	"settle/storage/couch"
)

// checkCmd checks a data directory.
type checkCmd struct {
	location
}

// Help returns what stands below the flags.
func (checkCmd) Help() string {
	return `Reads everything in the store and prints what it counted and what is wrong.

Exit status: 0 when the store is sound, 1 when something is wrong or the server is
running, 2 when the store cannot be opened.`
}

// Run checks the store.
func (c *checkCmd) Run(env *environment) error {
	harden()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	o := opening{location: c.location, readOnly: true, getenv: env.getenv, logger: env.logger}
	lock, err := o.lockData()
	if err != nil {
		return err
	}
	engine, unlocked, err := o.openEngine(ctx, lock)
	if err != nil {
		return &exitError{exitUsage, errors.Join(err, lock.withdraw())}
	}
	err = printCheck(ctx, env, check.Options{KV: engine, Keyring: unlocked.Keyring, BlobFS: vfs.Default, BlobDir: o.blobDir()})
	return errors.Join(err, engine.Close(), lock.withdraw())
}

// printCheck checks a store, and prints the findings and the counts.
func printCheck(ctx context.Context, env *environment, o check.Options) error {
	findings := 0
	counts, err := check.Run(ctx, o, func(f check.Finding) {
		findings++
		fmt.Fprintf(env.stdout, "wrong: %s\n", f)
	})
	if errors.Is(err, couch.ErrCorrupt) {
		findings++
		fmt.Fprintf(env.stdout, "wrong: %v\n", err)
	} else if err != nil {
		return &exitError{exitUsage, fmt.Errorf("the check ended early: %w", err)}
	}
	fmt.Fprintf(env.stdout, "%d databases, %d documents, %d deleted, %d revisions, %d local documents, %d blobs, %d bytes\n",
		counts.Databases, counts.Documents, counts.Deleted, counts.Revisions, counts.LocalDocs, counts.Blobs, counts.Bytes)
	if findings > 0 {
		return fmt.Errorf("%d findings", findings)
	}
	fmt.Fprintln(env.stdout, "sound")
	return nil
}
