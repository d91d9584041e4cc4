package source

import "sync"

// pile is the directories that wait to be read, the last found on top, so that few
// wait at a time.
type pile struct {
	mu    sync.Mutex
	more  sync.Cond // signalled when the pile grows or ends
	nodes []*node
	busy  int // workers that read, and may find more
	idle  int
	ended bool
}

func newPile(root *node) *pile {
	p := &pile{nodes: []*node{root}}
	p.more.L = &p.mu
	return p
}

// next takes what was found in the directory that a worker has read, nil at the
// start, and gives it another to read, or nil when all are.
func (p *pile) next(read *node) *node {
	p.mu.Lock()
	defer p.mu.Unlock()
	if read != nil {
		p.busy--
		for i := len(read.items) - 1; i >= 0; i-- {
			if child := read.items[i].child; child != nil {
				p.nodes = append(p.nodes, child)
			}
		}
	}
	for len(p.nodes) == 0 && p.busy > 0 && !p.ended {
		p.idle++
		p.more.Wait()
		p.idle--
	}
	if len(p.nodes) == 0 || p.ended {
		p.ended = true
		p.more.Broadcast()
		return nil
	}
	last := len(p.nodes) - 1
	n := p.nodes[last]
	p.nodes = p.nodes[:last]
	p.busy++
	if last > 0 && p.idle > 0 {
		p.more.Signal()
	}
	return n
}

// end lets every worker go when it has read what it reads.
func (p *pile) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.more.Broadcast()
}
