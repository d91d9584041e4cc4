package cli

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/term"
)

func newCmdVersion(a *command.App) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "version [--check]",
		Short: "Print the version of fngen",
		Long: `Print the version of fngen. --check also asks the platform for its own: the two fit
when the first number of both is the same, and the command fails when it is not. It
also says when the platform is newer.`,
		Example: "  fngen version\n  fngen version --check",
		Args:    command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if check {
				return runVersionCheck(cmd.Context(), a)
			}
			return runVersion(a)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "ask the platform whether it and this program fit")
	return cmd
}

// versionDocument is what version --json prints.
type versionDocument struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func thisVersion() versionDocument {
	return versionDocument{api.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH}
}

func runVersion(a *command.App) error {
	if a.JSON {
		return a.WriteJSON(thisVersion())
	}
	_, err := fmt.Fprintf(a.IO.Out, "fngen %s\n", versionText())
	return err
}

func versionText() string { return fmt.Sprintf("%s (%s)", api.Version, runtime.Version()) }

// versionCheck is what version --check finds, and with --json prints.
type versionCheck struct {
	versionDocument
	Platform struct {
		URL     string `json:"url"`
		Version string `json:"version"`
	} `json:"platform"`
	Fits bool `json:"fits"`
	// Newer is the version to go to, null when there is none.
	Newer *string `json:"newer"`
}

func runVersionCheck(ctx context.Context, a *command.App) error {
	client, err := a.Client()
	if err != nil {
		return err
	}
	platform, err := client.Platform(ctx)
	if err != nil {
		return err
	}
	found := compared(platform.Version)
	found.Platform.URL = client.Address()
	if a.JSON {
		err = a.WriteJSON(found)
	} else {
		_, err = fmt.Fprintf(a.IO.Out, "fngen %s\nplatform %s (%s)\n", versionText(), term.Escape(platform.Version), term.Escape(client.Address()))
	}
	if err != nil {
		return err
	}
	if found.Fits {
		if found.Newer != nil {
			a.Sayf("They fit. The platform is newer: pip install --upgrade 'fngen>=%s'", term.Escape(*found.Newer))
		}
		return nil
	}
	failed := &exit.Failure{
		Code: api.Refused, Message: fmt.Sprintf("fngen %s does not fit the platform, which is %q", api.Version, platform.Version),
		Help: "is FNGEN_API_URL (or api_url in ~/.fngen/credentials.yml) that of an fngen platform?",
	}
	if major := majorOf(platform.Version); major != "" {
		failed.Help = fmt.Sprintf("install one that does: pip install 'fngen==%s.*'", major)
	}
	if a.JSON {
		return &exit.Reported{Err: failed}
	}
	return failed
}

// compared holds this program against a version of the platform. The first number says
// which form of the API is spoken.
func compared(platform string) versionCheck {
	out := versionCheck{versionDocument: thisVersion(), Fits: majorOf(platform) == majorOf(api.Version)}
	out.Platform.Version = platform
	theirs, ok := pep.ParseVersion(platform)
	ours, _ := pep.ParseVersion(api.Version)
	if ok && pep.CompareVersions(theirs, ours) > 0 {
		out.Newer = &platform
	}
	return out
}

// majorOf is the first number of a version, empty where the text is none.
func majorOf(text string) string {
	v, ok := pep.ParseVersion(text)
	if !ok {
		return ""
	}
	return v.Release[0]
}
