package instance

import (
	"os"
	"testing"

	"fngen.dev/fngen/pkg/agent/testbed"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }
