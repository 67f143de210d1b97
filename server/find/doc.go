// Package find serves Mango: `_find`, `_explain` and `_index`.
//
// What a query means, and which index answers it, package mango decides. Here the
// rows of that index are read, the documents behind them matched, and shown.
package find
