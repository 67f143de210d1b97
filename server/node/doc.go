// Package node serves the endpoints of the server as a whole: the welcome, the
// list of databases, uuids, and what there is of a node in a cluster of one.
package node
