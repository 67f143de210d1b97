package replication

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
	Pending      int64 // changes; -1: not known
}

// Progress returns what was done so far, by runs before this one too.
func (r *Replication) Progress() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Progress{
		Stats: r.before.add(r.stats), Checkpointed: r.recorded, Source: r.readSeq, Through: Seq(r.progress.through), Pending: -1,
	}
}

// count adds to the numbers.
func (r *Replication) count(s Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats = r.stats.add(s)
}
