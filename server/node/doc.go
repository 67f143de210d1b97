// Package node serves the endpoints of the server as a whole: the welcome, the
// list of databases, uuids, the configuration, and what else there is of a node in a cluster of one.
package node
