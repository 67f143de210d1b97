// Package scheduler runs replications: so many at once as it may, in turns where there
// are more, and those that fail again after a pause that grows.
//
// A job is what is to be replicated; its runs come and go. A continuous job's run is
// stopped after a turn when others wait, the one first that has run longest; a run
// that ends by itself ends its job. What a job has done stands in the databases that it
// replicates, so that nothing here has to outlive the process.
package scheduler
