// Package gitindex reads the names of tracked files from git's index.
//
// git ships a file that it tracks even when a rule ignores it; whoever follows
// git's rules has to know which those are. Only names are read, from the format
// that gitformat-index(5) describes, versions 2 to 4, with SHA-1 or SHA-256.
package gitindex

import (
	"errors"
	"fmt"
	"strings"
)

// The kinds of entries that are no files: submodules, and directories of a
// sparse index.
const (
	kindMask  = 0o170000
	submodule = 0o160000
	directory = 0o040000
)

const (
	headerSize = 12
	statSize   = 40
	extended   = 0x4000
	longName   = 0x0fff // of the flags, the length of the name, or that it is at least this
)

var (
	errShort = errors.New("the index ends in the middle of an entry")
	errLong  = errors.New("the index has more or less than it says")
	errSplit = errors.New("it is split over two files, which is not read here: run `git update-index --no-split-index`")
)

// Index is what git tracks: paths relative to the work tree, with slashes, sorted
// by bytes.
type Index struct {
	Files []string
	// Submodules are directories that hold repositories of their own.
	Submodules []string
}

// Read reads an index. It is a string so that most names can be pieces of it.
func Read(index string) (Index, error) {
	if len(index) < headerSize || index[:4] != "DIRC" {
		return Index{}, errors.New("it is not a git index")
	}
	version := number(index[4:8])
	if version < 2 || version > 4 {
		return Index{}, fmt.Errorf("version %d of the git index is not known", version)
	}
	count := number(index[8:12])
	// The index does not say which hash it uses; only one length fits.
	var errs []error
	for _, hash := range []int{20, 32} {
		read, rest, err := entries(index[headerSize:], int(version), int(count), hash)
		if err == nil {
			err = extensions(rest, hash)
		}
		if err == nil {
			return read, nil
		}
		errs = append(errs, err)
	}
	if errors.Is(errs[1], errSplit) {
		return Index{}, errSplit
	}
	return Index{}, errs[0]
}

// extensions looks through what follows the entries: extensions, each a name, a size
// and so many bytes, and a checksum. One of them says that most entries stand in
// another file.
func extensions(text string, hash int) error {
	for len(text) >= 8+hash {
		if text[:4] == "link" {
			return errSplit
		}
		size := number(text[4:8])
		if uint64(size) > uint64(len(text)-8) {
			return errLong
		}
		text = text[8+size:]
	}
	if len(text) != hash {
		return errLong
	}
	return nil
}

// entries also returns what follows the entries.
func entries(text string, version, count, hash int) (out Index, rest string, err error) {
	out = Index{Files: make([]string, 0, min(count, len(text)/(statSize+hash+2)))}
	previous := ""
	for range count {
		if len(text) < statSize+hash+2 {
			return out, "", errShort
		}
		mode := number(text[24:28])
		fixed := statSize + hash + 2
		flags := number(text[fixed-2 : fixed])
		if flags&extended != 0 {
			fixed += 2
		}
		name, size, err := entryName(text, fixed, version, previous)
		if err != nil {
			return out, "", err
		}
		if name == "" {
			return out, "", errSplit // only there an entry stands for another
		}
		if n := flags & longName; n != uint32(min(len(name), longName)) {
			return out, "", errLong
		}
		if name < previous {
			return out, "", errors.New("the names of the index are not sorted")
		}
		switch kind := mode & kindMask; {
		case name == previous: // a file in conflict has several entries
		case kind == submodule:
			out.Submodules = append(out.Submodules, name)
		case kind != directory:
			out.Files = append(out.Files, name)
		}
		previous, text = name, text[size:]
	}
	return out, text, nil
}

// entryName returns the name that starts at offset at, and the size of the whole
// entry.
func entryName(text string, at, version int, previous string) (name string, size int, err error) {
	if at > len(text) {
		return "", 0, errShort
	}
	if version < 4 {
		end := strings.IndexByte(text[at:], 0)
		if end < 0 {
			return "", 0, errShort
		}
		// One to eight NULs fill the entry up to a multiple of eight.
		size := (at + end + 8) &^ 7
		if size > len(text) {
			return "", 0, errShort
		}
		return text[at : at+end], size, nil
	}
	strip, n := offset(text[at:])
	if n == 0 || strip > len(previous) {
		return "", 0, errShort
	}
	end := strings.IndexByte(text[at+n:], 0)
	if end < 0 {
		return "", 0, errShort
	}
	return previous[:len(previous)-strip] + text[at+n:at+n+end], at + n + end + 1, nil
}

// number reads a big-endian number of all the bytes.
func number(b string) (n uint32) {
	for i := range len(b) {
		n = n<<8 | uint32(b[i])
	}
	return n
}

// offset reads a number in the encoding of offsets in packs, and how many bytes
// it took: 0 when it does not end.
func offset(data string) (value, n int) {
	for n < len(data) && n < 5 {
		c := data[n]
		n++
		value = value<<7 | int(c&0x7f)
		if c&0x80 == 0 {
			return value, n
		}
		value++
	}
	return 0, 0
}
