package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"

	"github.com/alecthomas/kong"
)

// Exit codes of the command.
const (
	exitFailed = 1 // what was asked for could not be done; check: something is wrong
	exitUsage  = 2 // the command line makes no sense; check: the store cannot be opened
)

// cli is the command line. Each subcommand has a file of its own.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Serve the databases of a data directory over HTTP."`
	Check   checkCmd   `cmd:"" help:"Check a data directory. The server must be stopped. Changes nothing."`
	Deliver deliverCmd `cmd:"" help:"Deliver a file into a database."`
	LMTP    lmtpCmd    `cmd:"" name:"lmtp" help:"Take mail over LMTP and deliver it into databases."`
	Version versionCmd `cmd:"" help:"Print the version."`

	LogLevel string `default:"info" enum:"debug,info,warn,error" env:"SETTLE_LOG_LEVEL" help:"What is logged on standard error: ${enum}."`
}

const description = `A sync server for CouchDB and PouchDB clients that encrypts what it stores.

Every flag can be given as an environment variable, too.`

// environment is what a command has of the world around it.
type environment struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	logger         *slog.Logger
}

// exitError is an error that ends the process with a code of its own.
type exitError struct {
	code int
	err  error
}

// Error returns the text of the error behind it.
func (e *exitError) Error() string { return e.err.Error() }

// Unwrap returns the error behind it.
func (e *exitError) Unwrap() error { return e.err }

// exited is what kong panics with once it has printed help.
type exited int

// run is the whole program. It returns the exit code.
func run(args []string, getenv func(string) string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if e, ok := recover().(exited); ok {
			code = int(e)
		}
	}()
	var c cli
	parser, err := newParser(&c, stdout, stderr)
	if err != nil {
		return fail(stderr, err)
	}
	command, err := parser.Parse(args)
	if err != nil {
		return fail(stderr, &exitError{exitUsage, fmt.Errorf("%w (see settle --help)", err)})
	}
	env := &environment{getenv: getenv, stdout: stdout, stderr: stderr, logger: newLogger(stderr, c.LogLevel)}
	if err := command.Run(env); err != nil {
		return fail(stderr, err)
	}
	return 0
}

// newParser returns what reads the command line and the environment into c. A flag that
// names no variable has SETTLE_ and its own name.
func newParser(c *cli, stdout, stderr io.Writer) (*kong.Kong, error) {
	return kong.New(c, kong.Name("settle"), kong.Description(description),
		kong.DefaultEnvars("SETTLE"),
		kong.Writers(stdout, stderr), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.NamedMapper("directory", kong.MapperFunc(decodeDirectory)),
		kong.NamedMapper("path", kong.MapperFunc(decodePath)),
		kong.Exit(func(code int) { panic(exited(code)) }))
}

// decodeDirectory reads a flag that names a directory, and makes the path
// absolute. An empty one is refused: it is a variable that was not set, and must
// not stand for the directory that the process happens to be in.
func decodeDirectory(ctx *kong.DecodeContext, target reflect.Value) error {
	var path string
	if err := ctx.Scan.PopValueInto("directory", &path); err != nil {
		return err
	}
	if path == "" {
		return errors.New("must not be empty; the current directory is \".\"")
	}
	target.SetString(kong.ExpandPath(path))
	return nil
}

// decodePath reads a flag that names a file, and makes the path absolute. An empty one
// is a variable that was not set, and names none.
func decodePath(ctx *kong.DecodeContext, target reflect.Value) error {
	var path string
	if err := ctx.Scan.PopValueInto("file", &path); err != nil {
		return err
	}
	if path != "" {
		path = kong.ExpandPath(path)
	}
	target.SetString(path)
	return nil
}

// fail prints an error as one line and returns its exit code.
func fail(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "settle: %v\n", err)
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return exitFailed
}

// newLogger logs as text. level is one of those that the command line takes.
func newLogger(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}
