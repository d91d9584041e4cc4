package console

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// NewFlags are the flags of one command.
func NewFlags(name string, usage io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("fngen-agent "+name, flag.ContinueOnError)
	f.SetOutput(usage)
	f.Usage = func() {
		fmt.Fprintf(usage, "usage of %s:\n", f.Name())
		f.PrintDefaults()
	}
	return f
}

// Parse reads the flags. The set prints nothing but the help: faults are said
// once, by Run.
func Parse(f *flag.FlagSet, args []string) error {
	usage, out := f.Usage, f.Output()
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	err := f.Parse(args)
	f.SetOutput(out)
	if errors.Is(err, flag.ErrHelp) {
		usage()
	}
	if err == nil && f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return err
}
