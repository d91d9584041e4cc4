// Command floor does what no push can do without, and nothing else: it lists a
// directory, asks the system about each file, and makes one request.
package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"fngen.dev/fngen/pkg/api"
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) error {
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		_, err = e.Info()
		return err
	})
	if err != nil {
		return err
	}
	transport, err := api.NewTransport(os.Getenv("FNGEN_CA_CERT"))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, os.Getenv("FNGEN_API_URL")+"/v1/account", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("FNGEN_API_KEY"))
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the platform answered %s", resp.Status)
	}
	return err
}
