package replication

import "context"

// progress finds out up to which sequence everything is done, while batches are done
// in any order.
type progress struct {
	through string
	first   int            // the batch that is not done, of those the first
	done    map[int]string // batches behind it that are, and their last sequences
}

func (p *progress) start(seq string) {
	p.through, p.first, p.done = seq, 0, make(map[int]string)
}

// finish notes that a batch is done, whose last sequence is given.
func (p *progress) finish(batch int, last string) {
	p.done[batch] = last
	for {
		seq, ok := p.done[p.first]
		if !ok {
			return
		}
		delete(p.done, p.first)
		if seq != "" {
			p.through = seq
		}
		p.first++
	}
}

// Progress is what a replication that runs has done so far.
type Progress struct {
	Stats
	Checkpointed Seq   // recorded in checkpoints
	Source       Seq   // read from the source
	Through      Seq   // done
	Pending      int64 // changes behind Through, at the last checkpoint; -1: not known
}

// Progress returns what was done so far, by runs before this one too.
func (r *Replication) Progress() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Progress{
		Stats: r.before.add(r.stats), Checkpointed: r.recorded, Source: r.readSeq, Through: Seq(r.progress.through), Pending: r.pending,
	}
}

// count adds to the numbers.
func (r *Replication) count(s Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats = r.stats.add(s)
}

// askPending asks the source how much is left, unless nothing has happened since it was
// asked: replications that idle ask nothing.
func (r *Replication) askPending(ctx context.Context) {
	r.mu.Lock()
	through := Seq(r.progress.through)
	idle := r.readSeq == "" || r.readSeq == through
	r.mu.Unlock()
	if idle && through == r.asked {
		return
	}
	n, err := r.Source.Pending(ctx, string(through))
	if err != nil {
		n = -1 // a number to look at is no reason to end
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending, r.asked = n, through
}
