package source

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"fngen.dev/fngen/compiler/diag"
)

// collector puts the nodes of a walk together, in the order of their paths.
type collector struct {
	w         *walker
	files     []*item // that ship
	decisions []Decision
	diags     diag.List
	size      int64
	hashed    int
	// all are the files with what is known of them, and when their reading began.
	all   []hashed
	begun int64
	// later are the places in all of the files that are left unread, unread their
	// places in the manifest.
	later, unread []int
}

// node takes what a directory holds.
func (c *collector) node(n *node) {
	c.diags = append(c.diags, n.faults...)
	for i := range n.items {
		it := &n.items[i]
		if it.child != nil {
			c.child(it)
			continue
		}
		c.decisions = append(c.decisions, c.w.decision(it))
		if it.ships {
			c.files = append(c.files, it)
			c.size += it.stat.Size
		}
	}
	c.collisions(n)
}

// child takes a directory that was read. One that git ignores, and in which no
// other rule found anything, is one decision, as if it had not been searched.
func (c *collector) child(it *item) {
	n := it.child
	if n.builtIn != "" {
		c.decisions = append(c.decisions, Decision{Path: c.w.shown(n.prefix), Rule: n.builtIn, Source: builtIn})
		return
	}
	if n.missing {
		c.warnMissing(n)
	}
	decisions, files, size := len(c.decisions), len(c.files), c.size
	c.node(n)
	switch found := len(c.files) > files; {
	case !found && !n.state.out.none():
		c.decisions = append(c.decisions[:decisions], n.state.out.decision(c.w.shown(n.prefix)))
	case found && n.name != "":
		n.refuseName(c.w.shown(n.prefix), n.name)
		c.diags = append(c.diags, n.faults[len(n.faults)-1])
		for i := range c.decisions[decisions:] {
			c.decisions[decisions+i].Included = false
		}
		c.files, c.size = c.files[:files], size
	default:
		it.ships = found
	}
}

const builtIn = "built-in"

// decision is what became of a file, or of a directory that was not read.
func (w *walker) decision(it *item) Decision {
	d := Decision{Path: w.shown(it.path), Included: it.ships}
	switch it.why {
	case byRule:
		d = it.rule.decision(d.Path)
		d.Included = it.ships
	case byBuiltIn:
		d.Rule, d.Source = it.builtIn, builtIn
	case byTracked:
		d.Rule, d.Source = "tracked", "git index"
	case byCommandLine:
		d.Rule, d.Source = it.builtIn, "command line"
	}
	if it.isDir {
		d.Path += "/"
	}
	return d
}

func (r rule) decision(path string) Decision {
	return Decision{Path: path, Rule: r.pattern.Text, Source: r.layer.source, Line: r.pattern.Line}
}

// collisions refuses names of one directory that are one on a disk which does not
// tell upper from lower case, or composed from decomposed letters.
func (c *collector) collisions(n *node) {
	if !slices.ContainsFunc(n.items, func(it item) bool { return it.ships && !isPlain(it.path[len(n.prefix):]) }) {
		return
	}
	fold := cases.Fold()
	seen := map[string]string{}
	for i := range n.items {
		it := &n.items[i]
		if !it.ships {
			continue
		}
		name := it.path[len(n.prefix):]
		key := norm.NFC.String(fold.String(norm.NFC.String(name)))
		other, met := seen[key]
		if !met {
			seen[key] = c.w.shown(it.path)
			continue
		}
		p := c.w.shown(it.path)
		c.diags.Add(diag.Diagnostic{
			Code: "FN1006", File: printable(p),
			Message: fmt.Sprintf("%q and %q differ only in case or in how letters are composed", other, p),
			Help:    "rename one of them: many disks cannot hold both",
		})
	}
}

// isPlain reports whether s is its own folded form, as most names are.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf || s[i] >= 'A' && s[i] <= 'Z' {
			return false
		}
	}
	return true
}

// checkLimits refuses a tree that is too large, before it is read.
func (c *collector) checkLimits(root *node) bool {
	d := diag.Diagnostic{Code: "FN1007", Help: "list in .fnignore what the code does not need; `fngen files` shows what would ship"}
	switch {
	case c.w.ships.Load() > enough:
		d.Message = fmt.Sprintf("there are more than %d files here; a tree may have %d", enough, MaxFiles)
		d.Help = "give the directory of the project, not one above it\nor list in .fnignore what the code does not need"
	case len(c.files) > MaxFiles:
		d.Message = fmt.Sprintf("the tree has %d files; it may have %d", len(c.files), MaxFiles)
		d.Notes = c.fullest(root)
	case c.size > MaxTreeSize:
		d.Message = fmt.Sprintf("the tree has %s; it may have %s", bytesOver(c.size, MaxTreeSize), bytesOf(MaxTreeSize))
		d.Notes = c.largest()
	default:
		return true
	}
	c.diags.Add(d)
	return false
}

// fullest names the directories with the most files: where one holds nearly all,
// those in it.
func (c *collector) fullest(n *node) []diag.Note {
	type directory struct {
		node  *node
		count int
	}
	var all []directory
	for i := range n.items {
		if child := n.items[i].child; child != nil && n.items[i].ships {
			first, _ := slices.BinarySearchFunc(c.files, child.prefix, byPath)
			end, _ := slices.BinarySearchFunc(c.files, child.prefix[:len(child.prefix)-1]+"0", byPath) // '0' follows '/'
			all = append(all, directory{child, end - first})
		}
	}
	slices.SortStableFunc(all, func(a, b directory) int { return b.count - a.count })
	if len(all) > 0 && all[0].count > len(c.files)*9/10 {
		if deeper := c.fullest(all[0].node); len(deeper) > 0 {
			return deeper
		}
	}
	var notes []diag.Note
	for _, d := range all[:min(3, len(all))] {
		notes = append(notes, diag.Note{File: printable(c.w.shown(d.node.prefix)), Message: fmt.Sprintf("%d files", d.count)})
	}
	return notes
}

func byPath(it *item, path string) int { return strings.Compare(it.path, path) }

func (c *collector) largest() []diag.Note {
	files := slices.Clone(c.files)
	slices.SortStableFunc(files, func(a, b *item) int { return int(b.stat.Size - a.stat.Size) })
	var notes []diag.Note
	for _, f := range files[:min(3, len(files))] {
		notes = append(notes, diag.Note{File: printable(c.w.shown(f.path)), Message: bytesOf(f.stat.Size)})
	}
	return notes
}
